// Settings of a Node-RED that Lampway started. Everything that differs between two of them, and every secret, comes from
// the process environment; the secrets are removed from it here, so that no flow can read them.
const given = {}
for (const name of Object.keys(process.env).filter((name) => name.startsWith('LAMPWAY_NR_'))) {
  given[name.slice('LAMPWAY_NR_'.length)] = process.env[name]
  delete process.env[name]
}
const locked = given.LOCKED === 'true'

module.exports = {
  uiHost: '127.0.0.1',
  userDir: given.FOLDER,
  flowFile: 'flows.json',
  credentialSecret: given.CREDENTIAL_SECRET,
  adminAuth: {
    type: 'credentials',
    users: [
      { username: 'admin', password: given.ADMIN_HASH, permissions: '*' },
      { username: 'maker', password: given.MAKER_HASH, permissions: locked ? 'read' : '*' },
      { username: 'pipeline', password: '', permissions: [] } // cannot log in; known by its token only
    ],
    tokens: [
      {
        user: 'pipeline',
        token: given.TOKEN,
        scope: ['flows.read', 'flows.write', 'nodes.read', 'settings.read', 'credentials.read']
      }
    ]
  },
  // who answers here, so that nobody else's process is ever stopped
  httpAdminMiddleware: (request, response, next) => {
    response.setHeader('Lampway-Process', `${process.pid} ${given.MARK}`)
    next()
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
    header: { title: given.NAME ? `Node-RED ${given.NAME}` : 'Node-RED' },
    projects: { enabled: false },
    tours: false
  },
  logging: { console: { level: 'info', metrics: false, audit: false } }
}
