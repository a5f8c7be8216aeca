// axe's checks of WCAG 2.1 A and AA over the page as it stands.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, type Page } from '@playwright/test';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Needs JavaScript in the browser. */
export async function expectAccessible(page: Page) {
  await page.evaluate(axe);
  const violations = await page.evaluate(async () => {
    const { violations } = await (window as any).axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] });
    return violations.map((v: any) => `${v.id}: ${v.help}\n    ${v.nodes.slice(0, 3).map((n: any) => `${n.html} (${n.any[0]?.message ?? ''})`).join('\n    ')}`);
  });
  expect(violations, violations.join('\n')).toEqual([]);
}
