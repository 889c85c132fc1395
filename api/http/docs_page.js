"use strict";
// Starts Swagger UI on openapi.json, and signs in what "Try it out" sends.

// where the `type` of a problem leads; Swagger UI's own fragments begin with "#/"
if (/^#\w+$/.test(location.hash)) location.replace(`/api/docs/errors${location.hash}`);

const find = (id) => document.getElementById(id);
const dark = matchMedia("(prefers-color-scheme: dark)");
const followTheme = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", followTheme);
followTheme();

/** Gives each operation a `txn_id` of its own to try: that of the examples would make every call but the first a replay. */
function withFreshIds(spec) {
  const resolve = (schema) => (schema.$ref ? schema.$ref.slice(2).split("/").reduce((node, key) => node[key], spec) : schema);
  for (const operation of Object.values(spec.paths).flatMap((item) => Object.values(item))) {
    const media = operation.requestBody?.content["application/json"];
    const example = media && (media.example ?? resolve(media.schema).examples?.[0]);
    // randomUUID exists over TLS and on localhost only
    if (example && crypto.randomUUID) {
      media.example = JSON.parse(JSON.stringify(example), (name, value) => (name === "txn_id" ? crypto.randomUUID() : value));
    }
  }
  return spec;
}

let token = null;

/** Uses the token of this answer, if it has one, for all that is sent from now on. */
function useTokenOf(answer) {
  if (!answer?.data?.access_token) return;
  token = answer.data.access_token;
  ui.preauthorizeApiKey("bearer", token);
  if (answer.data.username) find("user").textContent = answer.data.username;
  show(true);
}

function show(signedIn, said = "") {
  find("sign-in").hidden = signedIn;
  find("sign-out").hidden = !signedIn;
  find("said").textContent = said;
}

const ui = SwaggerUIBundle({
  url: "/api/docs/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  responseInterceptor: (response) => {
    useTokenOf(response.obj);
    return response;
  },
  plugins: [
    { statePlugins: { spec: { wrapActions: { updateJsonSpec: (original) => (spec) => original(withFreshIds(spec)) } } } },
  ],
});

async function post(path, init) {
  try {
    return await (await fetch(path, { method: "POST", ...init })).json();
  } catch (error) {
    return { message: `No answer: ${error.message}` };
  }
}

find("sign-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const body = JSON.stringify(Object.fromEntries(new FormData(form)));
  const answer = await post("/api/auth/signin", { headers: { "Content-Type": "application/json" }, body });
  if (!answer.data) {
    show(false, answer.message);
    form.elements.password.select();
    return;
  }
  form.reset();
  useTokenOf(answer);
  find("sign-out").querySelector("button").focus();
});

find("sign-out").addEventListener("submit", async (event) => {
  event.preventDefault();
  const ended = post("/api/auth/signout", { headers: { Authorization: `Bearer ${token}` } });
  ui.authActions.logout(["bearer"]);
  show(false);
  find("sign-in").elements.username.focus();
  await ended;
});
