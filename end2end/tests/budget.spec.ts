// What a first page costs without a cache: at most 300 KB compressed in all.
import { expect, test } from '@playwright/test';
import { DEMO } from '../support/addresses';
import { signIn } from '../support/people';

const BUDGET = 300 * 1024;

test('Wasm, JavaScript and CSS stay under 300 KB compressed', async ({ page }) => {
  const addresses = new Set<string>();
  page.on('request', (request) => {
    const { pathname } = new URL(request.url());
    if (/\.(wasm|js|css)$/.test(pathname)) addresses.add(request.url());
  });
  await signIn(page, 'analyst', '/datasets/ops/flights');
  await page.waitForLoadState('networkidle');
  let total = 0;
  for (const address of addresses) {
    const response = await fetch(address, { headers: { 'accept-encoding': 'br, gzip' } });
    expect(response.headers.get('content-encoding'), address).toMatch(/br|gzip/);
    expect(response.headers.get('cache-control'), address).toContain('immutable');
    total += await transferred(address);
  }
  expect([...addresses].some((a) => a.endsWith('.wasm'))).toBe(true);
  console.log(`${addresses.size} files, ${Math.round(total / 1024)} KB compressed`);
  expect(total).toBeLessThan(BUDGET);
});

/** Bytes on the wire; `fetch` would unpack them. */
async function transferred(address: string) {
  const { get } = await import('node:http');
  return new Promise<number>((resolve, reject) => {
    get(address, { headers: { 'accept-encoding': 'br, gzip' } }, (response) => {
      let bytes = 0;
      response.on('data', (chunk: Buffer) => (bytes += chunk.length));
      response.on('end', () => resolve(bytes));
    }).on('error', reject);
  });
}

test('the HTML is complete without a script', async () => {
  const page = await (await fetch(`${DEMO}/sign-in`)).text();
  expect(page).toContain('</html>');
  expect(page).toContain('partner-ua');
});
