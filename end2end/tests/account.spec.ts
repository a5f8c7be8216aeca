// Who am I, where am I signed in, and tokens for scripts.
import { expect, test } from '@playwright/test';
import { DEMO } from '../support/addresses';
import { signIn } from '../support/people';

test('the account page says who one is', async ({ page }) => {
  await signIn(page, 'owner-ops', '/account');
  await expect(page.locator('main')).toContainText('owners-ops');
  await expect(page.getByRole('heading', { name: 'Account' })).toBeVisible();
});

test('a session can be ended from another', async ({ page, browser }) => {
  const context = await browser.newContext();
  const other = await context.newPage();
  await signIn(other, 'partner-dl', '/account');
  await signIn(page, 'partner-dl', '/account');
  const theirs = page.locator('form[action^="/account/sessions/"] button');
  const before = await theirs.count();
  expect(before).toBeGreaterThan(0);
  for (let left = before; left > 0; left -= 1) {
    await page.locator('form[action^="/account/sessions/"] button').first().click();
    await page.waitForLoadState();
    if (!page.url().endsWith('/account')) break;
  }
  await expect(async () => {
    await other.goto('/account');
    expect(other.url()).toContain('/sign-in');
  }).toPass({ timeout: 10_000 });
  await context.close();
});

test('a token is shown once, reads what its owner may read, and ends when it is revoked', async ({ page }) => {
  await signIn(page, 'partner-ua', '/account');
  const name = `test ${Date.now()}-${Math.random()}`;
  await page.getByLabel('What it is for').fill(name);
  await page.getByRole('button', { name: 'Make the token' }).click();
  await expect(page).toHaveURL(/\/account/);
  const secret = (await page.locator('main').innerText()).match(/pk_[A-Za-z0-9_.-]+/)?.[0];
  expect(secret).toBeTruthy();
  const ask = () =>
    fetch(`${DEMO}/api/v1/query`, {
      method: 'POST',
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
      body: JSON.stringify({ sql: 'select count(*) from ops.flights' }),
    });
  const answer = await ask();
  expect(answer.status).toBe(200);
  expect((await answer.json()).page.rows).toEqual([[58_665]]);
  await page.goto('/account');
  expect(await page.locator('main').innerText()).not.toContain(secret!);
  await page.getByRole('button', { name: `Revoke the token ${name}` }).click();
  await expect.poll(async () => (await ask()).status).toBe(401);
});
