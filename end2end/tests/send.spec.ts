// Looking at a file before it is sent, and sending it.
import { expect, test, type Page } from '@playwright/test';
import { sendFile, signIn } from '../support/people';

const messy = [
  'Export from the shop',
  '',
  'Bestellung;Datum;Betrag;PLZ',
  '1;25.11.2026;1.234,50;01067',
  '2;03.04.2026;99,00;80331',
  '3;12.12.2026;0,99;04109',
  '4;12.12.2026;1,00;04109;too much',
  ...Array.from({ length: 20 }, (_, n) => `${n + 5};13.12.2026;${n},25;10115`),
  '',
].join('\r\n');

const file = (name: string, text: string) => ({ name, mimeType: 'text/csv', buffer: Buffer.from(text) });

async function choose(page: Page, files: ReturnType<typeof file>[], javaScript: boolean | undefined) {
  await page.locator('#upload-file').setInputFiles(files);
  // With JavaScript choosing is enough.
  if (javaScript === false) await page.getByRole('button', { name: 'Look', exact: true }).click();
}

test('an unknown file shows what will land, why, and what will not', async ({ page, javaScriptEnabled }) => {
  await signIn(page, 'owner-ops', '/send');
  const begun = Date.now();
  await choose(page, [file('shop.csv', messy)], javaScriptEnabled);
  const card = page.locator('.inspection');
  await expect(card).toContainText('would land in part');
  expect(Date.now() - begun).toBeLessThan(2_000);
  await expect(card.locator('.figure__number')).toHaveText('23');
  await expect(card).toContainText('1 row would wait in quarantine');
  await expect(card.locator('.inspection__facts')).toContainText('header on line 3');
  const column = (name: string) => card.locator('.table tbody tr', { hasText: name });
  await expect(column('plz')).toContainText(/text/i);
  await expect(column('plz')).toContainText('leading zeros');
  await expect(column('datum')).toContainText(/date/i);
  await expect(card.locator('.reject__raw')).toContainText('too much');
  await expect(card.locator('.grid')).toContainText('2026-11-25');
  await expect(card.locator('.grid')).toContainText('1234.5');
  if (javaScriptEnabled !== false) await expect(page.locator('#upload-message')).toContainText('23 rows would land');
});

test('several files are looked at together, and what is no table says so', async ({ page, javaScriptEnabled }) => {
  await signIn(page, 'owner-ops', '/send');
  const picture = { name: 'logo.csv', mimeType: 'image/png', buffer: Buffer.from('\x89PNG\r\n\x1a\n00000000', 'latin1') };
  await choose(page, [file('a.csv', 'id,n\n1,2\n'), picture as ReturnType<typeof file>], javaScriptEnabled);
  await expect(page.locator('.inspection')).toHaveCount(2);
  await expect(page.locator('.inspection').nth(1)).toContainText('would not be taken');
});

test('a file that would wait at the gate says so before it is sent', async ({ page, javaScriptEnabled }) => {
  await signIn(page, 'owner-ops', '/');
  const dataset = javaScriptEnabled === false ? 'gated_plain' : 'gated_scripted';
  await sendFile(page, 'ops', dataset, 'gates.csv', 'id,gate\n1,A1\n2,A2\n');
  await page.goto(`/send?dataset=ops.${dataset}`);
  await choose(page, [file('december.csv', 'id,gate\nG3,A3\nG4,A4\n')], javaScriptEnabled);
  const card = page.locator('.inspection');
  await expect(card.locator('.badge').first()).toHaveText('would wait');
  await expect(card).toContainText('wait until an owner of ops.gated_');
  await expect(card.locator('.difference__schemas tbody tr', { hasText: 'id' })).toContainText('2 rows do not fit');
  await expect(card.locator('.difference__rows')).toContainText('G3');
  if (javaScriptEnabled !== false) await expect(page.locator('#upload-message')).toContainText('would wait');
});

test('a contract settles what the file leaves open', async ({ page, javaScriptEnabled }) => {
  await signIn(page, 'owner-ops', '/send');
  const open = [file('days.csv', 'id,day\n1,03/04/2026\n2,05/06/2026\n')];
  await choose(page, open, javaScriptEnabled);
  const day = page.locator('.inspection .table tbody tr', { hasText: 'day' });
  await expect(day).toContainText('day or month first?');
  await page.getByText('Read them by a contract that you are writing').click();
  await page.locator('#contract').fill('[[source]]\nmatch = "*"\nday_first = true\n[column.day]\ntype = "date"\n');
  if (javaScriptEnabled === false) await choose(page, open, false);
  await expect(page.locator('.inspection .grid')).toContainText('2026-04-03');
  // What is wrong with a contract is said with its line.
  await page.locator('#contract').fill('[[source]]\nmatch = "*"\nday_frist = true\n');
  if (javaScriptEnabled === false) await choose(page, open, false);
  await expect(page.locator('.inspections')).toContainText('line 3');
});

test('the draft from the file is a beginning', async ({ page, javaScriptEnabled }) => {
  test.skip(javaScriptEnabled === false, 'copied by hand without JavaScript');
  await signIn(page, 'owner-ops', '/send');
  await choose(page, [file('shop.csv', messy)], true);
  await expect(page.locator('.inspection')).toBeVisible();
  await page.getByText('Read them by a contract that you are writing').click();
  await page.getByRole('button', { name: 'Begin with the draft from the file' }).click();
  await expect(page.locator('#contract')).toHaveValue(/\[column\.plz\]\ntype = "text"/);
  await expect(page.locator('.inspection .figure__number')).toHaveText('23');
});

test('after looking, the file is sent to its dataset', async ({ page, javaScriptEnabled }) => {
  const name = `looked_${javaScriptEnabled === false ? 'plain' : 'scripted'}`;
  await signIn(page, 'owner-ops', '/send');
  await page.getByLabel('For the dataset').fill(`ops.${name}`);
  await page.getByRole('button', { name: 'Use' }).click();
  await expect(page).toHaveURL(new RegExp(`dataset=ops\\.${name}`));
  await choose(page, [file('gates.csv', 'gate,opened\nA1,2026-11-01\n')], javaScriptEnabled);
  await expect(page.locator('.inspection')).toContainText('would land');
  if (javaScriptEnabled === false) await page.locator('#upload-file').setInputFiles([file('gates.csv', 'gate,opened\nA1,2026-11-01\n')]);
  await page.getByRole('button', { name: `Send to ops.${name}` }).click();
  await expect(page).toHaveURL(/\/arrivals\/.+/);
  await expect(page.locator('.page-head__title')).toContainText('gates.csv');
});

test('what was seen by a contract of one\'s own is not sent', async ({ page, javaScriptEnabled }) => {
  await signIn(page, 'owner-ops', '/send?dataset=ops.gates_by_contract');
  const days = [file('days.csv', 'id,day\n1,03/04/2026\n')];
  const sends = page.getByRole('button', { name: 'Send to ops.gates_by_contract' });
  await expect(sends).toBeEnabled();
  await expect(page.locator('#send-why')).toBeHidden();
  await page.getByText('Read them by a contract that you are writing').click();
  await page.locator('#contract').fill('[[source]]\nmatch = "*"\nday_first = true\n');
  await choose(page, days, javaScriptEnabled);
  await expect(page.locator('.inspection .grid')).toContainText('2026-04-03');
  await expect(sends).toBeDisabled();
  await expect(page.locator('#send-why')).toContainText('contracts/ops/gates_by_contract.toml');
  await page.locator('#contract').fill('');
  if (javaScriptEnabled === false) await choose(page, days, false);
  await expect(sends).toBeEnabled();
});

test('someone who may not send to a dataset may not look for it either', async ({ page, javaScriptEnabled }) => {
  await signIn(page, 'partner-ua', '/send?dataset=ops.flights');
  await choose(page, [file('x.csv', 'carrier\nUA\n')], javaScriptEnabled);
  await expect(page.locator('.inspections')).toContainText(/not send|no such dataset/);
  await expect(page.locator('.inspection .table')).toHaveCount(0);
});

test('a large file goes on where the connection broke off', async ({ page, javaScriptEnabled }) => {
  test.skip(javaScriptEnabled === false, 'without JavaScript a file is sent at once');
  const rows = 400_000;
  const text = 'gate,opened,note\n' + Array.from({ length: rows }, (_, n) => `G${n},2026-11-01,words to fill a line\n`).join('');
  await signIn(page, 'owner-ops', '/send?dataset=ops.pieces');
  const offsets: string[] = [];
  await page.route('**/api/v1/uploads/*', async (route) => {
    const request = route.request();
    if (request.method() !== 'PATCH') return route.continue();
    offsets.push(request.headers()['upload-offset']);
    // The second piece is lost on its way, once.
    return offsets.length === 2 ? route.abort('connectionreset') : route.continue();
  });
  await page.locator('#upload-file').setInputFiles([file('pieces.csv', text)]);
  await expect(page.locator('.inspection')).toContainText('would land');
  await page.getByRole('button', { name: 'Send to ops.pieces' }).click();
  await expect(page.locator('#upload-message')).toContainText(/Sending pieces\.csv|trying again/);
  await expect(page).toHaveURL(/\/arrivals\/.+/, { timeout: 30_000 });
  await expect(page.locator('.arrival__landed .figure__number')).toHaveText('400,000');
  expect(offsets).toEqual(['0', '8388608', '8388608']);
});
