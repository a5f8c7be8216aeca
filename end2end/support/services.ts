// Builds the demo lake from examples/, starts two sign-in providers and three replicas of Penstock over that one lake,
// and stops them all again. Each writes its log to artefacts/.
import { spawn, execFileSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { COGNITO, COGNITO_PROVIDER, DEMO, OIDC, OIDC_PROVIDER, PORTS } from './addresses';
import { createPool } from './cognito';

const here = join(dirname(fileURLToPath(import.meta.url)), '..');
const root = join(here, '..');
const artefacts = join(here, 'artefacts');
const lake = join(artefacts, 'lake');
const running: ChildProcess[] = [];

export default async function services() {
  const binary = process.env.END2END_BINARY;
  if (!binary || !existsSync(binary)) throw new Error('END2END_BINARY names no binary; run `make end2end`');
  mkdirSync(artefacts, { recursive: true });
  try {
    if (!process.env.END2END_KEEP_LAKE || !existsSync(lake)) buildLake(binary);
    start('oidc-provider', process.execPath, [join(here, 'providers/oidc.mjs')], { PORT: `${PORTS.oidcProvider}` });
    rmSync(join(artefacts, 'cognito'), { recursive: true, force: true });
    mkdirSync(join(artefacts, 'cognito'));
    start('cognito-local', process.execPath, [join(here, 'node_modules/cognito-local/lib/bin/start.js')], {
      HOST: new URL(COGNITO_PROVIDER).hostname,
      PORT: new URL(COGNITO_PROVIDER).port,
    }, join(artefacts, 'cognito'));
    await answers(`${OIDC_PROVIDER}/.well-known/openid-configuration`);
    await answers(`${COGNITO_PROVIDER}/health`);
    const pool = await createPool(`${COGNITO}/auth/callback`);

    penstock(binary, 'demo', PORTS.demo, {});
    penstock(binary, 'oidc', PORTS.oidc, {
      PENSTOCK_PUBLIC_URL: OIDC,
      PENSTOCK_PROVIDER: 'cognito',
      PENSTOCK_PROVIDER_NAME: 'Example Airways',
      PENSTOCK_ISSUER: OIDC_PROVIDER,
      PENSTOCK_CLIENT_ID: 'penstock',
      PENSTOCK_CLIENT_SECRET: 'a-secret-for-tests-only-0123456789',
    });
    penstock(binary, 'cognito', PORTS.cognito, {
      PENSTOCK_PUBLIC_URL: COGNITO,
      PENSTOCK_PROVIDER: 'cognito',
      PENSTOCK_PROVIDER_NAME: 'Cognito',
      PENSTOCK_ISSUER: `${COGNITO_PROVIDER}/${pool.id}`,
      PENSTOCK_CLIENT_ID: pool.clientId,
      PENSTOCK_AUTHORIZATION_ENDPOINT: `${COGNITO_PROVIDER}/oauth2/authorize`,
      PENSTOCK_TOKEN_ENDPOINT: `${COGNITO_PROVIDER}/oauth2/token`,
      PENSTOCK_ALLOW_MISSING_NONCE: 'true',
    });
    await Promise.all([DEMO, OIDC, COGNITO].map((base) => answers(`${base}/readyz`)));
  } catch (error) {
    await stop();
    throw error;
  }
  return stop;
}

function buildLake(binary: string) {
  rmSync(lake, { recursive: true, force: true });
  execFileSync(binary, ['demo', lake], { cwd: root, env: environment({}), stdio: ['ignore', 'ignore', 'inherit'] });
}

function penstock(binary: string, name: string, port: number, settings: Record<string, string>) {
  start(`penstock-${name}`, binary, ['serve'], { PENSTOCK_LAKE: lake, PENSTOCK_BIND: `127.0.0.1:${port}`, ...settings }, root);
}

/** This process's environment without settings of Penstock that the developer has set. */
function environment(more: Record<string, string>) {
  const own = Object.entries(process.env).filter(([name]) => !/^(PENSTOCK|LEPTOS)_/.test(name));
  return { ...Object.fromEntries(own), ...more };
}

function start(name: string, command: string, args: string[], more: Record<string, string>, cwd = here) {
  const log = openSync(join(artefacts, `${name}.log`), 'w');
  const child = spawn(command, args, { cwd, env: environment(more), stdio: ['ignore', log, log] });
  child.on('exit', (code) => {
    if (code) console.error(`${name} ended with ${code}; see end2end/artefacts/${name}.log`);
  });
  running.push(child);
}

async function answers(address: string) {
  const until = Date.now() + 60_000;
  for (;;) {
    try {
      if ((await fetch(address)).ok) return;
    } catch {
      // Not listening yet.
    }
    if (Date.now() > until) throw new Error(`${address} does not answer; see the logs in end2end/artefacts`);
    await new Promise((later) => setTimeout(later, 100));
  }
}

async function stop() {
  const ended = running.map((child) => child.exitCode ?? new Promise((resolve) => child.once('exit', resolve)));
  running.forEach((child) => child.kill('SIGTERM'));
  const patience = setTimeout(() => running.forEach((child) => child.kill('SIGKILL')), 5_000);
  await Promise.all(ended);
  clearTimeout(patience);
}
