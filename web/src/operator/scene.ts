/** What an operator's clicks make of the preview. Pure. */

import type { Scene, SeatRow, SiteCode } from '../shared/wire/types.gen'

/** Pictures in one scene; slides are one of them. */
export const MAX_SCENE_PICTURES = 4

export function sceneOf(seats: readonly SiteCode[], slides: SiteCode | null = null): Scene | null {
  if (seats.length === 0) return null
  return { layout: seats.length === 1 ? 'single' : 'grid', seats: [...seats], slides }
}

/** Whether a scene has no room for a further picture. */
export function isFull(scene: Scene | null): boolean {
  if (scene === null) return false
  return scene.seats.length + (scene.slides === null ? 0 : 1) >= MAX_SCENE_PICTURES
}

/** The preview with a site added or taken out; null for an empty one, `full` when four are in. */
export function toggled(preview: Scene | null, site: SiteCode): Scene | null | 'full' {
  const seats = preview?.seats ?? []
  const slides = preview?.slides ?? null
  if (seats.includes(site)) {
    return sceneOf(
      seats.filter((seat) => seat !== site),
      slides,
    )
  }
  return isFull(preview) ? 'full' : sceneOf([...seats, site], slides)
}

/**
 * The preview with a site's slides, or without them if it has them. They come with their site,
 * unless it is in the preview already or `beside` says that the sites in it stay as they are.
 */
export function withSlides(preview: Scene | null, site: SiteCode, beside = false): Scene | 'full' {
  if (preview !== null && preview.slides === site) return { ...preview, slides: null }
  const stays = preview !== null && (beside || preview.seats.includes(site))
  if (!stays) return { layout: 'single', seats: [site], slides: site }
  if (preview.slides === null && isFull(preview)) return 'full'
  return { ...preview, slides: site }
}

export function sameScene(a: Scene | null, b: Scene | null): boolean {
  if (a === null || b === null) return a === b
  return a.layout === b.layout && a.seats.join() === b.seats.join() && a.slides === b.slides
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
