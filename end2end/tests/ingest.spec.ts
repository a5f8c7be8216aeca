// What arrived: reports, quarantine, and sending a file.
import { expect, test } from '@playwright/test';
import { asPerson, sendFile, signIn } from '../support/people';

test('a steward sees every arrival and what of it did not land', async ({ page }) => {
  await signIn(page, 'steward', '/arrivals?unit=sales&dataset=orders');
  await page.getByRole('link', { name: /orders-2026-10\.csv/ }).first().click();
  await expect(page).toHaveURL(/\/arrivals\/.+/);
  await expect(page.locator('.arrival__rejects .figure__number')).toHaveText('2');
  await expect(page.locator('.reject')).toHaveCount(2);
  for (const reject of await page.locator('.reject').all()) {
    await expect(reject.locator('.reject__line')).toHaveText(/Line \d+/);
    await expect(reject.locator('.reject__raw')).not.toBeEmpty();
    await expect(reject.locator('.reject__reason')).not.toBeEmpty();
  }
});

test('an arrival says why each column has its type', async ({ page }) => {
  await signIn(page, 'steward', '/arrivals?unit=geo&dataset=zipcodes');
  await page.getByRole('link', { name: /zipcodes\.csv/ }).first().click();
  await expect(page.getByRole('heading', { name: 'Why each column has its type' })).toBeVisible();
  await expect(page.locator('.reason', { hasText: 'zip_code' })).toContainText(/zero/);
});

test('an owner sees the arrivals of what it owns', async ({ page }) => {
  await signIn(page, 'owner-ops', '/arrivals');
  const main = page.locator('main');
  await expect(main).toContainText('2013-01.csv.gz');
  await expect(main).not.toContainText('orders-2026-10.csv');
});

test('arrivals are narrowed to what became of them', async ({ page }) => {
  await signIn(page, 'steward', '/arrivals');
  await page.getByRole('link', { name: /^Landed/ }).click();
  await expect(page).toHaveURL(/state=landed/);
  const main = page.locator('main');
  await expect(main.getByRole('link', { name: /^Landed/ })).toHaveAttribute('aria-current', 'page');
  await expect(main).toContainText('2013-01.csv.gz');
  await page.goto('/arrivals?unit=ref&dataset=airlines&state=refused');
  await expect(main).toContainText('Every file was taken');
  await main.getByRole('link', { name: 'Show all arrivals' }).click();
  await expect(main).toContainText('airlines.csv');
});

test('an analyst sees no arrivals', async ({ page }) => {
  await signIn(page, 'analyst', '/arrivals');
  expect(await page.content()).not.toContain('2013-01.csv.gz');
});

test('an owner sends a file by a form, and the same file twice lands once', async ({ page }) => {
  await signIn(page, 'owner-ops', '/datasets/ops/flights?tab=arrivals');
  await expect(page.locator('input[type="file"]').first()).toBeAttached();
  // A dataset of its own unit that no other test counts.
  const send = () => {
    const form = new FormData();
    form.append('file', new Blob(['gate,opened\nA1,2026-11-01\nB2,2026-11-02\n']), 'gates.csv');
    return asPerson(page, '/api/v1/uploads/ops/gates', { method: 'POST', body: form, headers: { accept: 'text/html' } });
  };
  const first = await send();
  expect(first.status, await first.text()).toBe(303);
  await page.goto(first.headers.get('location')!);
  await expect(page.locator('.page-head__title')).toContainText('gates.csv');
  const second = await send();
  await page.goto(second.headers.get('location')!);
  await expect(page.locator('.page-head__title')).toContainText('gates.csv');
  const count = await asPerson(page, '/api/v1/datasets/ops/gates/rows');
  expect((await count.text()).match(/"[AB]\d"/g)).toHaveLength(2);
});

test('rows that waited are corrected in an editor and sent back; a refused file lands by a decision', async ({ page, javaScriptEnabled }) => {
  const name = `fixes_${javaScriptEnabled === false ? 'plain' : 'scripted'}`;
  await signIn(page, 'owner-ops', '/');
  const send = (file: string, text: string) => sendFile(page, 'ops', name, file, text);
  const good = Array.from({ length: 20 }, (_, n) => `${n},gate ${n}`).join('\n');
  const id = await send('gates.csv', `id,name\n${good}\n20,gate,too much\n`);
  await page.goto(`/arrivals/${id}`);
  await expect(page.locator('.replay')).toContainText('1 row waits');
  const rows = await asPerson(page, (await page.getByRole('link', { name: 'Download the rows' }).getAttribute('href'))!);
  expect(rows.headers.get('content-type')).toMatch(/text\/plain/);
  const text = await rows.text();
  expect(text).toBe('id,name\n20,gate,too much\n');
  const corrected = Buffer.from(text.replace('gate,too much', 'gate 20'));
  await page.locator('#corrected').setInputFiles([{ name: 'gates.txt', mimeType: 'text/plain', buffer: corrected }]);
  await page.getByRole('button', { name: 'Send them' }).click();
  await expect(page.locator('main')).toContainText('These rows correct those of');
  await page.getByRole('link', { name: 'an earlier arrival' }).click();
  await expect(page.locator('.replay')).toContainText('1 row corrected by owner-ops');

  const refused = await send('wider.csv', 'id,name,floor\n30,gate 30,2\n31,gate 31,x,y\n');
  await page.goto(`/arrivals/${refused}`);
  await expect(page.locator('.page-head__title')).toContainText('not taken');
  await page.getByRole('button', { name: 'Land it anyway' }).click();
  await expect(page.locator('main')).toContainText('Landed by the decision of owner-ops');
  await expect(page.locator('.arrival__landed .figure__number')).toHaveText('1');
});

test('a file with another meaning waits for its owner, who sees both schemas; the next file waits in line', async ({ page, javaScriptEnabled }) => {
  const name = `drift_${javaScriptEnabled === false ? 'plain' : 'scripted'}`;
  await signIn(page, 'owner-ops', '/');
  const send = (file: string, text: string) => sendFile(page, 'ops', name, file, text);
  const state = async (id: string) => ((await (await asPerson(page, `/api/v1/ingests/${id}`)).json()) as { state: string }).state;
  await send('gates.csv', 'id,gate\n1,A1\n2,A2\n');
  const other = await send('other.csv', 'id,gate,floor\nG3,A3,1\nG4,A4,2\n5,A5,2\n');
  const later = await send('later.csv', 'id,gate\n6,A6\n');

  await page.goto('/');
  await expect(page.locator('.waits li', { hasText: `ops.${name}` })).toContainText('2 files');
  await page.goto(`/arrivals/${later}`);
  await expect(page.locator('.page-head__title')).toContainText('waits in line');
  await page.getByRole('link', { name: 'other.csv' }).click();
  await expect(page.locator('.page-head__title')).toContainText('waits for a decision');
  const line = (column: string) => page.locator('.difference__schemas tbody tr', { hasText: column });
  await expect(line('id')).toContainText('other type');
  await expect(line('id')).toContainText('2 rows do not fit');
  await expect(line('gate')).toContainText('nothing');
  await expect(line('floor')).toContainText('new column');
  await expect(page.locator('.difference__rows tbody tr')).toHaveCount(3);
  await page.getByRole('button', { name: 'Land this file' }).click();
  await expect(page.locator('main')).toContainText('Landed by the decision of owner-ops');
  await expect(page.locator('.arrival__landed .figure__number')).toHaveText('1');
  await expect.poll(() => state(later)).toBe('landed');

  const again = await send('again.csv', 'id,gate\nG7,A7\n');
  await page.goto(`/arrivals/${again}`);
  await page.getByLabel('Why, for whoever sent it').fill('These are numbers elsewhere.');
  await page.getByRole('button', { name: 'Refuse this file' }).click();
  await expect(page.locator('main')).toContainText('These are numbers elsewhere.');
  expect(await state(again)).toBe('refused');
});
