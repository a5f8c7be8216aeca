// Who did what: stewards search everyone's, a partner sees their own, and what was typed is only ever text.
import { expect, test, type Page } from '@playwright/test';
import { query, signIn } from '../support/people';

/** Events are in the table a moment after they ended. */
async function until(page: Page, path: string, words: string) {
  await expect(async () => {
    await page.goto(path);
    await expect(page.locator('.audit')).toContainText(words, { timeout: 500 });
  }).toPass({ timeout: 15_000 });
}

test('a partner sees their own activity, and of a denial what they were told', async ({ page }) => {
  await signIn(page, 'partner-ua', '/');
  const mark = `<b>m${Date.now()}${Math.floor(Math.random() * 1e6)}</b>`;
  expect((await query(page, `select '${mark}' from weather.hourly`)).status).toBe(404);
  await until(page, `/audit?text=${encodeURIComponent(mark)}&action=query`, mark);
  await expect(page.getByRole('heading', { name: 'My activity' })).toBeVisible();
  const line = page.locator('.audit tbody tr').first();
  await expect(line).toContainText('Denied');
  await expect(line).toContainText('no such dataset: weather.hourly');
  await expect(line).not.toContainText('granted');
  await expect(page.locator('.audit b')).toHaveCount(0);
  await line.locator('summary').click();
  await expect(line.locator('.audit__facts')).toContainText('session ');
  await expect(page.getByLabel('Person')).toHaveCount(0);
});

test('a steward finds it by person, outcome and dataset, and each filter stands in the address', async ({ page, browser }) => {
  const other = await (await browser.newContext()).newPage();
  await signIn(other, 'partner-dl', '/');
  const mark = `s${Date.now()}${Math.floor(Math.random() * 1e6)}`;
  expect((await query(other, `select '${mark}' from hr.us_employment`)).status).toBe(404);
  await other.context().close();
  await signIn(page, 'steward', '/audit');
  await until(page, `/audit?text=${mark}&action=query`, mark);
  await page.getByLabel('Person').fill('partner-dl');
  await page.getByLabel('Outcome').selectOption('denied');
  await page.locator('.audit-form').getByRole('textbox', { name: 'Dataset' }).fill('hr.us_employment');
  await page.getByRole('button', { name: 'Search', exact: true }).last().click();
  await expect(page).toHaveURL(/person=partner-dl/);
  await expect(page).toHaveURL(/outcome=denied/);
  await expect(page.locator('.audit tbody tr')).toHaveCount(1);
  await expect(page.locator('.audit tbody tr')).toContainText('hr.us_employment is hidden: not granted');
  await page.getByRole('link', { name: 'My activity' }).first().click();
  await expect(page.getByText('Nothing like that has happened')).toBeVisible();
  await page.getByRole('link', { name: 'Show all' }).click();
  await expect(page.locator('.audit')).toContainText('Sign-in');
});

test('the account menu leads there, and the audit can be asked in SQL', async ({ page }) => {
  await signIn(page, 'analyst', '/');
  await page.locator('.bar__account summary').click();
  await page.locator('.bar__account').getByRole('link', { name: 'My activity' }).click();
  await expect(page).toHaveURL(/\/audit$/);
  await until(page, '/audit', 'Sign-in');
  await page.getByRole('link', { name: 'Ask in SQL' }).click();
  await expect(page.locator('.result__count')).toBeVisible();
});
