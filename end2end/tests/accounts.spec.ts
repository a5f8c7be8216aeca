// A steward makes a service account with a token, disables it, and ends somebody's session.
import { expect, test } from '@playwright/test';
import { DEMO } from '../support/addresses';
import { asPerson, signIn } from '../support/people';

test('a service account is made, works by its token, and is disabled and removed', async ({ page }, { project }) => {
  const name = `nightly-${project.name}-${Date.now()}`;
  await signIn(page, 'steward', '/accounts');
  await page.getByLabel('Name', { exact: true }).fill(name);
  await page.getByLabel('What it is for').fill('Loads the nightly figures');
  await page.getByLabel('Groups').fill('partners');
  await page.getByLabel('Claims').fill('carrier=UA');
  await page.getByRole('button', { name: 'Make the account' }).click();
  await expect(page.locator('.page-head__title')).toHaveText(`service:${name}`);
  await expect(page.getByText('No tokens')).toBeVisible();

  await page.getByLabel('What it is for').fill('cron');
  await page.getByRole('button', { name: 'Make the token' }).click();
  const secret = await page.locator('.snippet code').first().innerText();
  const me = () => fetch(`${DEMO}/api/v1/me`, { headers: { authorization: `Bearer ${secret.trim()}` } });
  expect((await (await me()).json()).subject).toBe(`service:${name}`);
  await page.getByRole('link', { name: 'What it sees, and why' }).click();
  await expect(page.locator('tr', { hasText: 'ops.flights' })).toContainText("carrier = 'UA'");
  await page.goBack();

  await page.getByRole('button', { name: 'Disable' }).click();
  await expect(page.locator('.badge--bad')).toHaveText('disabled');
  await expect.poll(async () => (await me()).status, { timeout: 5_000 }).toBe(401);
  await page.getByRole('button', { name: 'Remove for good' }).click();
  await expect(page).toHaveURL(`${DEMO}/accounts`);
  await expect(page.getByText(name)).toHaveCount(0);
});

test('a steward ends a session of somebody else', async ({ page, browser }) => {
  // Known by its agent: others of this suite sign in as the same person.
  const other = await browser.newContext({ userAgent: 'curl/8.0' });
  const partner = await other.newPage();
  await signIn(partner, 'partner-dl');
  await signIn(page, 'steward', '/accounts');
  await page.getByRole('link', { name: 'partner-dl' }).click();
  await page.getByRole('button', { name: 'End the session in curl' }).first().click();
  await expect
    .poll(async () => (await asPerson(partner, '/api/v1/me')).status, { timeout: 5_000 })
    .toBe(401);
  await other.close();
});
