// Signing in and out: the demo people, a hosted login page shaped like Cognito's, and cognito-local's own.
import { expect, test } from '@playwright/test';
import { COGNITO, DEMO, OIDC, OIDC_PROVIDER } from '../support/addresses';
import { PARTNER } from '../support/cognito';
import { hosted } from '../support/hosted';
import { asPerson, signIn, value } from '../support/people';

test('whoever is signed out is asked to sign in and comes back to the page', async ({ page }) => {
  await page.goto('/datasets?unit=ops');
  await expect(page).toHaveURL(`${DEMO}/sign-in?return_to=${encodeURIComponent('/datasets?unit=ops')}`);
  await page.locator('button[value="analyst"]').click();
  await expect(page).toHaveURL(`${DEMO}/datasets?unit=ops`);
});

test('the demo says loudly that it is one', async ({ page }) => {
  await page.goto('/sign-in');
  await expect(page.getByText('This is a demo')).toBeVisible();
  await signIn(page, 'analyst');
  await expect(page.getByText('Anyone on this machine can be anyone here')).toBeVisible();
});

test('signing in never leads to another site', async ({ page }) => {
  for (const evil of ['//evil.example/', 'https://evil.example/', '/\\evil.example']) {
    await page.context().clearCookies();
    await page.goto(`/sign-in?return_to=${encodeURIComponent(evil)}`);
    await page.locator('button[value="analyst"]').click();
    await expect(page).toHaveURL(`${DEMO}/`);
  }
});

test('signing out ends the session, also for whoever kept the cookie', async ({ page }) => {
  await signIn(page, 'analyst', '/account');
  const kept = await page.context().cookies();
  await page.locator('main').getByRole('button', { name: 'Sign out', exact: true }).click();
  await expect(page).toHaveURL(/\/sign-in/);
  await page.context().addCookies(kept);
  await page.goto('/account');
  await expect(page).toHaveURL(/\/sign-in\?return_to=/);
});

test('a hosted login page signs a partner in with its groups and its carrier', async ({ page }) => {
  await hosted(page, 'partner-ua', '/account');
  await expect(page).toHaveURL(`${OIDC}/account`);
  await expect(page.locator('main')).toContainText('partners');
  await expect(page.locator('main')).toContainText('UA');
  expect(await value(page, 'select count(*) from ops.flights', OIDC)).toBe(58_665);
});

test('signing out goes on to the provider, which asks again, and revokes the refresh token', async ({ page }) => {
  await hosted(page, 'analyst', '/account');
  await expect(page).toHaveURL(`${OIDC}/account`);
  const before = Number(await (await fetch(`${OIDC_PROVIDER}/test/revoked`)).text());
  await page.locator('main').getByRole('button', { name: 'Sign out', exact: true }).click();
  // Past the provider and back: before that, the page is still under way.
  await expect(page).toHaveURL(new RegExp(`^${OIDC}/sign-in`));
  await expect.poll(async () => Number(await (await fetch(`${OIDC_PROVIDER}/test/revoked`)).text())).toBeGreaterThan(before);
  await page.goto(`${OIDC}/auth/login`);
  await expect(page.getByRole('heading', { name: 'Sign in to Example Airways' })).toBeVisible();
});

test('a wrong password stays at the provider', async ({ page }) => {
  await page.goto(`${OIDC}/auth/login`);
  await page.getByLabel('User name').fill('analyst');
  await page.getByLabel('Password').fill('guess');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('alert')).toHaveText('Incorrect user name or password.');
});

test('an access token is no ID token, although the same key signed it', async ({ page }) => {
  await hosted(page, 'with-access-token');
  await expect(page).toHaveURL(`${OIDC}/sign-in?error=refused`);
  await expect(page.getByRole('alert')).toBeVisible();
  await page.goto(`${OIDC}/account`);
  await expect(page).toHaveURL(/\/sign-in/);
});

test('a missing groups claim denies everything', async ({ page }) => {
  await hosted(page, 'without-groups', '/datasets');
  await expect(page).toHaveURL(`${OIDC}/datasets`);
  await expect(page.getByText('No datasets yet')).toBeVisible();
  const answer = await asPerson(page, '/api/v1/datasets', {}, OIDC);
  expect(await answer.text()).not.toContain('flights');
});

test('an answer that this browser did not ask for is refused', async ({ page }) => {
  await page.goto(`${OIDC}/auth/callback?code=stolen&state=made-up`);
  await expect(page.getByRole('alert')).toBeVisible();
  await page.goto(`${OIDC}/account`);
  await expect(page).toHaveURL(/\/sign-in/);
});

test('cognito-local signs a partner in through its own page', async ({ page }) => {
  await page.goto(`${COGNITO}/datasets`);
  await page.getByRole('link', { name: 'Sign in with Cognito' }).click();
  await page.locator('input[name="username"]').fill(PARTNER.email);
  await page.locator('input[name="password"]').fill(PARTNER.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page).toHaveURL(`${COGNITO}/datasets`);
  expect(await value(page, 'select count(*) from ops.flights', COGNITO)).toBe(48_110);
});
