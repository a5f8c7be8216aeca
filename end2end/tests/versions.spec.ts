// Versions of a dataset: what each was, asking one, and going back.
import { expect, test } from '@playwright/test';
import { cells, sendFile, signIn, value } from '../support/people';

test('an owner asks an older version and rolls back to it', async ({ page, javaScriptEnabled }) => {
  // A dataset of its own, that no other test counts.
  const name = `back_${javaScriptEnabled === false ? 'plain' : 'scripted'}`;
  const list = `/datasets/ops/${name}?tab=versions`;
  await signIn(page, 'owner-ops', '/');
  const send = (file: string, text: string) => sendFile(page, 'ops', name, file, text);
  const bad = 'gate,opened\nC3,1926-11-01\n';
  await send('good.csv', 'gate,opened\nA1,2026-11-01\nB2,2026-11-02\n');
  await send('bad.csv', bad);

  await page.goto(list);
  const row = (version: number) => page.locator('.versions tbody tr').filter({ has: page.locator('th', { hasText: new RegExp(`^${version}\\b`) }) });
  await expect(row(1)).toContainText('bad.csv');
  await expect(row(1)).toContainText('owner-ops');
  await page.getByRole('link', { name: 'Query version 0' }).click();
  await expect(page.locator('.result__count')).toHaveText('2 rows');
  expect((await cells(page, 'gate')).sort()).toEqual(['A1', 'B2']);

  await page.goto(list);
  await row(0).locator('summary').click();
  await page.getByRole('button', { name: 'Roll back to version 0' }).click();
  await expect(page).toHaveURL(new RegExp(`/datasets/ops/${name}\\?tab=versions$`));
  await expect(row(2)).toContainText('rollback to version 0');
  await expect(row(1)).toContainText('taken back by version 2');
  const count = () => value(page, `select count(*) from ops.${name}`);
  expect(await count()).toBe(2);
  expect(await value(page, `select count(*) from ops.${name} version as of 1`)).toBe(3);

  // The same bytes are told apart from the corrected file.
  await page.goto(`/arrivals/${await send('bad.csv', bad)}`);
  await expect(page.locator('main')).toContainText('was taken back by the roll back in version 2');
  await page.goto(`/arrivals/${await send('bad.csv', bad.replace('1926', '2026'))}`);
  await expect(page.locator('.arrival__landed .figure__number')).toHaveText('1');
  expect(await count()).toBe(3);
});

test('whoever may only read asks versions and rolls nothing back', async ({ page }) => {
  await signIn(page, 'partner-ua', '/datasets/ops/flights?tab=versions');
  await expect(page.getByRole('link', { name: 'Query version 0' })).toBeVisible();
  await expect(page.getByRole('button', { name: /Roll back/ })).toHaveCount(0);
  expect(await page.content()).not.toContain('2013-01.csv.gz');
  await page.goto(`/sql?sql=${encodeURIComponent('select distinct carrier from ops.flights version as of 3')}`);
  expect(await cells(page, 'carrier')).toEqual(['UA']);
});
