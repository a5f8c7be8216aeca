// Pages that say no, and what every answer carries.
import { expect, test } from '@playwright/test';
import { DEMO } from '../support/addresses';
import { asPerson, signIn } from '../support/people';

for (const path of ['/nowhere', '/datasets/ops/nothing', '/arrivals/nothing', '/datasets/%2e%2e/etc']) {
  test(`${path} is a friendly 404`, async ({ page }) => {
    await signIn(page, 'analyst');
    const answer = await page.goto(path);
    expect(answer!.status()).toBe(404);
    await expect(page.locator('main')).toContainText(/nothing here/i);
    await expect(page.getByRole('link', { name: 'Home', exact: true })).toBeVisible();
  });
}

test('the API answers problems as RFC 9457 says', async ({ page }) => {
  await signIn(page, 'analyst');
  const answer = await asPerson(page, '/api/v1/datasets/ops/nothing');
  expect(answer.status).toBe(404);
  expect(answer.headers.get('content-type')).toContain('application/problem+json');
  expect(await answer.json()).toMatchObject({ status: 404, code: 'not_found' });
  const signedOut = await fetch(`${DEMO}/api/v1/me`);
  expect(signedOut.status).toBe(401);
});

test('a form from another site changes nothing', async ({ page }) => {
  await signIn(page, 'analyst');
  for (const headers of [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }]) {
    const cookies = (await page.context().cookies()).map((c) => `${c.name}=${c.value}`).join('; ');
    const answer = await fetch(`${DEMO}/auth/sign-out`, { method: 'POST', redirect: 'manual', headers: { cookie: cookies, ...headers } });
    expect(answer.status).toBe(403);
  }
  await page.goto('/account');
  await expect(page).toHaveURL(`${DEMO}/account`);
});

test('answers with data are private, and every answer is locked down', async ({ page }) => {
  await signIn(page, 'analyst');
  for (const path of ['/', '/datasets/ops/flights', '/api/v1/datasets', '/me;.js', '/api/x.css']) {
    const { headers } = await asPerson(page, path);
    expect(headers.get('cache-control'), path).toContain('no-store');
    expect(headers.get('x-content-type-options'), path).toBe('nosniff');
    expect(headers.get('content-security-policy'), path).toContain("frame-ancestors 'none'");
    expect(headers.get('content-security-policy'), path).not.toContain("'unsafe-inline'");
  }
});

test('the server says that it is well', async () => {
  for (const path of ['/healthz', '/readyz']) expect((await fetch(DEMO + path)).status).toBe(200);
  const document = await (await fetch(`${DEMO}/api/openapi.json`)).json();
  expect(document.openapi).toMatch(/^3\.1/);
});
