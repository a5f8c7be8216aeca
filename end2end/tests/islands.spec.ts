// What moves, with JavaScript only: the islands wake without an error and do their work.
import { expect, test } from '@playwright/test';
import { signIn } from '../support/people';

test('no page has an error in its console', async ({ page }) => {
  const errors: string[] = [];
  page.on('console', (message) => message.type() === 'error' && errors.push(`${page.url()}: ${message.text()}`));
  page.on('pageerror', (error) => errors.push(`${page.url()}: ${error}`));
  await signIn(page, 'steward');
  for (const path of ['/', '/datasets', '/datasets/ops/flights', '/datasets/ops/flights?tab=columns', '/sql?sql=select+1', '/arrivals', '/account']) {
    await page.goto(path, { waitUntil: 'networkidle' });
  }
  expect(errors).toEqual([]);
});

test('Ctrl Enter runs the query', async ({ page }) => {
  await signIn(page, 'analyst', '/sql');
  await page.waitForLoadState('networkidle');
  const editor = page.getByRole('textbox', { name: 'SQL', exact: true });
  await editor.fill('select 40 + 2 as n');
  await editor.press('Control+Enter');
  await expect(page.locator('.grid__table')).toContainText('42');
});

test('Ctrl K finds a dataset from anywhere', async ({ page }) => {
  await signIn(page, 'analyst', '/account');
  await page.waitForLoadState('networkidle');
  await page.keyboard.press('Control+k');
  const palette = page.getByRole('dialog');
  await expect(palette).toBeVisible();
  await palette.getByRole('combobox').or(palette.getByRole('searchbox')).or(palette.getByRole('textbox')).first().fill('zipcodes');
  await expect(palette).toContainText('geo.zipcodes');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/datasets\/geo\/zipcodes/);
});

test('Ctrl K says when there is nothing, and knows the policy for stewards alone', async ({ page }) => {
  for (const [person, says] of [['steward', 'who sees what'], ['analyst', 'Nothing found']] as const) {
    await signIn(page, person, '/account');
    await page.waitForLoadState('networkidle');
    await page.keyboard.press('Control+k');
    const palette = page.getByRole('dialog');
    const field = palette.getByRole('combobox');
    await field.fill('no such place');
    await expect(palette.getByRole('status')).toHaveText('Nothing found');
    await field.fill('policy');
    await expect(palette).toContainText(says);
    await page.context().clearCookies();
  }
});
