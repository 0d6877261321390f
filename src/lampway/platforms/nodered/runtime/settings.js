// Settings of a Node-RED that Lampway started. Everything that differs between two of them, and every secret, comes from
// the process environment; the secrets are removed from it here, so that no flow can read them.
const given = {}
for (const name of Object.keys(process.env).filter((name) => name.startsWith('LAMPWAY_NR_'))) {
  given[name.slice('LAMPWAY_NR_'.length)] = process.env[name]
  delete process.env[name]
}
const crypto = require('crypto')
const fs = require('fs')
const path = require('path')

// What can be changed while it runs, through /lampway/control: until when makers may edit, and the label. A runtime that
// was started open has no lock. Whoever may edit for a time gets a token that ends with it, whatever session it was.
const locked = given.LOCKED === 'true'
const file = path.join(given.FOLDER, 'lampway-control.json')
let control = { until: '', turn: 0, label: '' }
try {
  control = { ...control, ...JSON.parse(fs.readFileSync(file, 'utf8')) }
} catch (error) {
  // nothing was ever changed, or what is there is no more: then it is locked
}
const isOpen = () => !locked || Date.now() < Date.parse(control.until)
const pass = () => crypto.createHmac('sha256', given.TOKEN).update(`open ${control.turn}`).digest('base64url')
const editing = locked ? ['read', 'flows.write', 'inject.write', 'debug.write'] : '*'
const ENGINE = ['flows.read', 'flows.write', 'nodes.read', 'settings.read', 'credentials.read']
const label = () => control.label || (given.NAME ? `Node-RED ${given.NAME}` : 'Node-RED')
const shown = () => label().replace(/[&<>]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[sign])
const title = { toString: shown, toJSON: shown } // asked anew whenever it is shown; the editor takes it for HTML

function same(one, other) {
  const [first, second] = [one, other].map((text) => crypto.createHash('sha256').update(String(text)).digest())
  return crypto.timingSafeEqual(first, second)
}

function keep(wanted) {
  const next = { ...control }
  if (typeof wanted.label === 'string') next.label = wanted.label
  if (typeof wanted.until === 'string') {
    next.until = wanted.until
    next.turn += 1
  }
  fs.writeFileSync(`${file}.new`, JSON.stringify(next), { mode: 0o600 })
  fs.renameSync(`${file}.new`, file)
  control = next
}

function answer(response, status, body) {
  response.statusCode = status
  response.setHeader('Content-Type', 'application/json')
  response.end(JSON.stringify(body))
}

function steer(request, response) {
  const token = String(request.headers.authorization || '').replace(/^Bearer /, '')
  if (!same(token, given.TOKEN)) return answer(response, 401, {})
  const told = () => ({ locked: !isOpen(), until: control.until, lockable: locked, label: label() })
  if (request.method === 'GET') return answer(response, 200, told())
  if (request.method !== 'PUT') return answer(response, 405, {})
  let text = ''
  request.on('data', (part) => (text = text.length > 65536 ? text : text + part))
  request.on('end', () => {
    try {
      keep(JSON.parse(text))
      answer(response, 200, told())
    } catch (error) {
      answer(response, 400, { message: String(error.message) })
    }
  })
}

module.exports = {
  uiHost: '127.0.0.1',
  userDir: given.FOLDER,
  flowFile: 'flows.json',
  credentialSecret: given.CREDENTIAL_SECRET,
  adminAuth: {
    type: 'credentials',
    users: async (username) => {
      if (username === 'admin') return { username, password: given.ADMIN_HASH, permissions: '*' }
      if (username !== 'maker') return null
      const user = { username, password: given.MAKER_HASH, permissions: isOpen() ? editing : 'read' }
      return locked && isOpen() ? { ...user, token: pass() } : user
    },
    tokens: async (token) => {
      if (same(token, given.TOKEN)) return { username: 'pipeline', permissions: ENGINE }
      return locked && isOpen() && same(token, pass()) ? { username: 'maker', permissions: editing } : null
    }
  },
  // who answers here, so that nobody else's process is ever stopped
  httpAdminMiddleware: (request, response, next) => {
    response.setHeader('Lampway-Process', `${process.pid} ${given.MARK}`)
    if (request.path === '/lampway/control') steer(request, response)
    else next()
  },
  runtimeState: { enabled: true, ui: false },
  diagnostics: { enabled: true, ui: false },
  telemetry: { enabled: false, updateNotification: false },
  externalModules: {
    autoInstall: false,
    palette: { allowInstall: false, allowUpload: false },
    modules: { allowInstall: false }
  },
  editorTheme: {
    page: { title: given.NAME ? `Node-RED ${given.NAME}` : 'Node-RED' },
    header: { title },
    projects: { enabled: false },
    tours: false
  },
  logging: { console: { level: 'info', metrics: false, audit: false } }
}
