// An answer as a chart: chosen by its columns, changed by a form, the same with and without JavaScript.
import { expect, test } from '@playwright/test';
import { signIn } from '../support/people';

const sql = (text: string) => `/sql?sql=${encodeURIComponent(text)}`;

test('an answer becomes a chart, and another one, by links and a form', async ({ page }) => {
  await signIn(page, 'analyst');
  await page.goto(sql('select month, carrier, count(*) as flights from ops.flights where carrier in (\'UA\', \'DL\') group by 1, 2 order by 1, 2'));
  await page.getByRole('link', { name: 'Chart', exact: true }).click();
  await expect(page).toHaveURL(/view=chart/);
  const picture = page.locator('.chart svg:visible');
  await expect(picture).toHaveCount(1);
  await page.getByLabel('Chart', { exact: true }).selectOption('line');
  await page.getByLabel('Along', { exact: true }).selectOption('month');
  await page.getByLabel('For each', { exact: true }).selectOption('carrier');
  await page.getByRole('button', { name: 'Draw' }).click();
  await expect(page).toHaveURL(/chart=line/);
  await expect(picture).toHaveAttribute('aria-label', /Line: flights by month, for each carrier; 24 points/);
  await page.getByRole('link', { name: 'Table', exact: true }).click();
  await expect(page.getByRole('table')).toBeVisible();
});

test('an answer without numbers says what a chart needs', async ({ page }) => {
  await signIn(page, 'analyst');
  await page.goto(`${sql('select distinct carrier from ops.flights')}&view=chart`);
  await expect(page.getByText('A chart needs a row and a column of numbers')).toBeVisible();
});
