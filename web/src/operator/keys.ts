/** The desk by keyboard. */

import { tinykeys } from 'tinykeys'
import type { Desk } from './desk'

const ARROWS: Record<string, (columns: number) => number> = {
  ArrowLeft: () => -1,
  ArrowRight: () => 1,
  ArrowUp: (columns) => -columns,
  ArrowDown: (columns) => columns,
}

/** Bind the keys of the page; returns how to let go of them. `columns` is the wall's now. */
export function bindKeys(target: Window, desk: Desk, columns: () => number): () => void {
  const take = (event: KeyboardEvent): void => {
    if (event.repeat || inDialog() || !mayTake(event.target, desk)) return
    event.preventDefault()
    desk.take()
  }
  const focused = (event: KeyboardEvent): string | null =>
    inDialog() || isTyping(event.target) ? null : desk.selected.value
  return tinykeys(
    target,
    {
      Enter: take,
      Space: take,
      m: (event) => {
        const site = focused(event)
        if (site !== null && !event.repeat) desk.toggleMic(site)
      },
      s: (event) => {
        const site = focused(event)
        if (site !== null && !event.repeat) desk.toggleSlides(site)
      },
      'Shift+S': (event) => {
        const site = focused(event)
        if (site !== null && !event.repeat) desk.toggleSlides(site, true)
      },
      '/': (event) => {
        if (inDialog() || isTyping(event.target)) return
        event.preventDefault()
        document.getElementById('search')?.focus()
      },
      Escape: (event) => {
        if (inDialog()) return
        desk.query.value = ''
        if (isTyping(event.target)) (event.target as HTMLElement).blur()
      },
      '(Arrow(Left|Right|Up|Down))': (event) => {
        if (inDialog() || isTyping(event.target)) return
        if (moveFocus(ARROWS[event.key]?.(columns()) ?? 0)) event.preventDefault()
      },
    },
    { ignore: () => false },
  )
}

function inDialog(): boolean {
  return document.querySelector('dialog[open]') !== null
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches('input, select, textarea')
}

/**
 * Whether Enter means *take* here. On a tile it first prepares that tile; on any other button it
 * presses the button.
 */
function mayTake(target: EventTarget | null, desk: Desk): boolean {
  if (!(target instanceof HTMLElement)) return true
  const site = target.closest<HTMLElement>('.tile-main')?.closest<HTMLElement>('[data-site]')
    ?.dataset.site
  if (site !== undefined) return desk.prepared.scene.value?.seats.includes(site) ?? false
  return target.closest('button, a, input, select, textarea, summary') === null
}

/** Move between tiles; false when no tile is there to move from or to. */
function moveFocus(step: number): boolean {
  const tiles = [...document.querySelectorAll<HTMLElement>('.tile-main')]
  const from = tiles.indexOf(document.activeElement as HTMLElement)
  const to = from < 0 ? tiles[0] : tiles[from + step]
  to?.focus()
  return to !== undefined
}
