/** The operator's page under a test's hands. */

import { frames } from './page'

export function tile(site: string): HTMLElement {
  const found = document.querySelector<HTMLElement>(`.tile[data-site="${site}"]`)
  if (found === null) throw new Error(`no tile of ${site}`)
  return found
}

export async function press(
  key: string,
  target: Element = document.body,
  init = {},
): Promise<void> {
  const code = key === ' ' ? 'Space' : key
  target.dispatchEvent(new KeyboardEvent('keydown', { key, code, bubbles: true, ...init }))
  await frames()
}
