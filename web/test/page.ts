/** Rendering into happy-dom, and asking axe what a screen reader would trip over. */

import axe from 'axe-core'
import { type ComponentChild, render } from 'preact'
import { settle } from './peer'

export async function show(page: ComponentChild): Promise<HTMLElement> {
  const root = document.createElement('div')
  document.body.replaceChildren(root)
  render(page, root)
  await frames()
  return root
}

export function hide(): void {
  const root = document.body.firstElementChild
  if (root !== null) render(null, root)
  document.body.replaceChildren()
}

/** Let effects and re-renderings happen. */
export async function frames(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) {
    await settle()
    await new Promise((resolve) => requestAnimationFrame(resolve))
    await new Promise((resolve) => setTimeout(resolve))
  }
}

export function byTestId(id: string, root: ParentNode = document): HTMLElement {
  const found = root.querySelector<HTMLElement>(`[data-testid="${id}"]`)
  if (found === null) throw new Error(`nothing has data-testid="${id}"`)
  return found
}

export async function click(id: string, root: ParentNode = document): Promise<void> {
  byTestId(id, root).click()
  await frames()
}

/** Rules broken on the page. Colours are looked at elsewhere: happy-dom does not lay out. */
export async function accessibilityFaults(): Promise<string[]> {
  document.title = document.title || 'test'
  const { violations } = await axe.run(document.documentElement, {
    rules: { 'color-contrast': { enabled: false } },
  })
  return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html ?? ''}`)
}
