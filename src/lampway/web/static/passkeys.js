// Passkeys: a form that says `data-passkey` is sent once the device has answered, with the answer in it.
"use strict";

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) =>
  btoa(Array.from(new Uint8Array(buffer), (b) => String.fromCharCode(b)).join(""))
    .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const known = (list) => (list || "").split(",").filter(Boolean).map((id) => ({ type: "public-key", id: bytes(id) }));

async function create(form) {
  return navigator.credentials.create({ publicKey: {
    challenge: bytes(form.dataset.challenge),
    rp: { name: "Lampway" },
    user: { id: bytes(form.dataset.user), name: form.dataset.person, displayName: form.dataset.name },
    pubKeyCredParams: [{ type: "public-key", alg: -7 }, { type: "public-key", alg: -257 }],
    authenticatorSelection: { residentKey: "required", requireResidentKey: true, userVerification: "required" },
    excludeCredentials: known(form.dataset.known),
    attestation: "none",
  } });
}

async function get(form) {
  let challenge = form.dataset.challenge;
  if (!challenge) {
    const reply = await fetch("/sign-in/challenge", { method: "POST" });
    const told = await reply.json();
    if (!reply.ok) throw new Error(told.error);
    challenge = told.challenge;
  }
  return navigator.credentials.get({ publicKey: {
    challenge: bytes(challenge), allowCredentials: known(form.dataset.credentials), userVerification: "required",
  } });
}

function put(form, name, value) {
  const field = form.elements[name] || form.appendChild(Object.assign(document.createElement("input"), { type: "hidden", name }));
  field.value = value;
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!window.PublicKeyCredential) continue;
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const problem = form.querySelector("[role=alert]");
    problem.hidden = true;
    try {
      const made = form.dataset.passkey === "create" ? await create(form) : await get(form);
      const answer = made.response;
      put(form, "credential", text(made.rawId));
      put(form, "client_data", text(answer.clientDataJSON));
      put(form, "authenticator_data", text(answer.authenticatorData || answer.getAuthenticatorData()));
      put(form, "signature", answer.signature ? text(answer.signature) : "");
      form.submit();
    } catch (error) {
      delete form.dataset.sent;
      problem.textContent = error.name === "NotAllowedError" ? "The passkey was not used: nothing was sent." : String(error.message || error);
      problem.hidden = false;
    }
  });
}
