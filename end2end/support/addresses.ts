// Where everything listens while the browser tests run; all of it on this machine.
export const PORTS = { demo: 3321, oidc: 3322, cognito: 3323, oidcProvider: 3331 };

const at = (port: number) => `http://127.0.0.1:${port}`;

/** Penstock with the demo people. */
export const DEMO = at(PORTS.demo);
/** Penstock with the strict provider, and the provider. */
export const OIDC = at(PORTS.oidc);
export const OIDC_PROVIDER = at(PORTS.oidcProvider);
/** Penstock with cognito-local, and cognito-local, whose discovery document names this address whatever it listens on. */
export const COGNITO = at(PORTS.cognito);
export const COGNITO_PROVIDER = 'http://localhost:9229';
