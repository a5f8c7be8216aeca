// Every page passes axe's checks of WCAG 2.1 A and AA, in both themes.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, test } from '@playwright/test';
import { PAGES } from '../support/pages';
import { signIn } from '../support/people';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

for (const colorScheme of ['light', 'dark'] as const) {
  for (const { name, path, person } of PAGES) {
    test(`${name} in ${colorScheme}`, async ({ page, javaScriptEnabled }) => {
      test.skip(javaScriptEnabled === false, 'axe itself needs JavaScript');
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      if (person) await signIn(page, person);
      await page.goto(path, { waitUntil: 'networkidle' });
      await page.evaluate(axe);
      const violations = await page.evaluate(async () => {
        const { violations } = await (window as any).axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] });
        return violations.map((v: any) => `${v.id}: ${v.help}\n    ${v.nodes.slice(0, 3).map((n: any) => `${n.html} (${n.any[0]?.message ?? ''})`).join('\n    ')}`);
      });
      expect(violations, violations.join('\n')).toEqual([]);
    });
  }
}
