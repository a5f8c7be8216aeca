// Signing in as one of the demo people, and talking to the API as them.
import { expect, type Page } from '@playwright/test';
import { DEMO } from './addresses';

export type Person = 'steward' | 'analyst' | 'owner-ops' | 'partner-ua' | 'partner-dl';

export async function signIn(page: Page, person: Person, path = '/') {
  await page.goto(`/sign-in?return_to=${encodeURIComponent(path)}`);
  await page.locator(`button[name="as"][value="${person}"]`).click();
  await expect(page).toHaveURL(new RegExp(`^${DEMO}${path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`));
}

/** Fetches with the browser's session from outside the browser, so that it works without JavaScript too. */
export async function asPerson(page: Page, path: string, init: RequestInit = {}, base = DEMO) {
  const cookies = await page.context().cookies(base);
  const headers = new Headers(init.headers);
  headers.set('cookie', cookies.map((c) => `${c.name}=${c.value}`).join('; '));
  if (init.method && init.method !== 'GET') headers.set('origin', base);
  return fetch(base + path, { redirect: 'manual', ...init, headers });
}

export interface Answer {
  id: string;
  rows_total: number;
  page: { rows: unknown[][] };
}

export async function query(page: Page, sql: string, base = DEMO) {
  return asPerson(page, '/api/v1/query', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ sql, wait_ms: 30_000 }),
  }, base);
}

export async function value(page: Page, sql: string, base = DEMO) {
  const answer = await query(page, sql, base);
  expect(answer.status, await answer.clone().text()).toBe(200);
  return Number(((await answer.json()) as Answer).page.rows[0][0]);
}

/** The text of every cell of one column of the grid on the page. */
export async function cells(page: Page, column: string) {
  const heads = await page.locator('.grid__table thead th').allInnerTexts();
  const at = heads.findIndex((head) => head.trim().split(/\s/)[0] === column);
  expect(at, `no column ${column} in ${heads}`).toBeGreaterThanOrEqual(0);
  const found = await page.locator(`.grid__table tbody tr > :nth-child(${at + 1})`).allInnerTexts();
  return found.map((text) => text.trim());
}

/** Sends a file as the person who is signed in; returns the id of its arrival. */
export async function sendFile(page: Page, unit: string, dataset: string, file: string, text: string): Promise<string> {
  const form = new FormData();
  form.append('file', new Blob([text]), file);
  const sent = await asPerson(page, `/api/v1/uploads/${unit}/${dataset}`, { method: 'POST', body: form });
  expect(sent.status).toBe(201);
  return ((await sent.json()) as { ingests: { id: string }[] }).ingests[0].id;
}
