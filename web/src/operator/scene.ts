/** What an operator's clicks make of the preview. Pure. */

import type { Scene, SeatRow, SiteCode } from '../shared/wire/types.gen'

export const MAX_SCENE_SEATS = 4

export function sceneOf(seats: readonly SiteCode[]): Scene | null {
  if (seats.length === 0) return null
  return { layout: seats.length === 1 ? 'single' : 'grid', seats: [...seats] }
}

/** The preview with a site added or taken out; null for an empty one, `full` when four are in. */
export function toggled(preview: Scene | null, site: SiteCode): Scene | null | 'full' {
  const seats = preview?.seats ?? []
  if (seats.includes(site)) return sceneOf(seats.filter((seat) => seat !== site))
  if (seats.length >= MAX_SCENE_SEATS) return 'full'
  return sceneOf([...seats, site])
}

export function sameScene(a: Scene | null, b: Scene | null): boolean {
  if (a === null || b === null) return a === b
  return a.layout === b.layout && a.seats.join() === b.seats.join()
}

/** Lower case without Vietnamese marks, so that `da nang` finds Đà Nẵng. */
export function plain(text: string): string {
  return text
    .toLocaleLowerCase('vi')
    .normalize('NFD')
    .replace(/\p{Mn}/gu, '')
    .replaceAll('\u0111', 'd')
}

/** A code that begins so, or a name that has it. */
export function matches(seat: Pick<SeatRow, 'site' | 'name'>, query: string): boolean {
  const wanted = plain(query.trim())
  if (wanted === '') return true
  return plain(seat.site).startsWith(wanted) || plain(seat.name).includes(wanted)
}
