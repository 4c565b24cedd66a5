/** Sorting sites and choosing advice: pure. */

import type { Catalogue } from '../shared/i18n/vi'
import { clips } from '../shared/ui/state'
import type { HealthState, SeatRow, SiteFigures } from '../shared/wire/types.gen'

export type Sort = 'worst' | 'code' | 'region'

export const SORTS: readonly Sort[] = ['worst', 'code', 'region']

/** Worst first; a site that was never there is no emergency, so it comes after the weak ones. */
export const SEVERITY: readonly HealthState[] = [
  'lost',
  'poor',
  'connecting',
  'fair',
  'offline',
  'good',
]

export interface Judged {
  readonly seat: SeatRow
  readonly state: HealthState
  readonly figures: SiteFigures | null
}

export function sorted(sites: readonly Judged[], sort: Sort): Judged[] {
  const order = (a: Judged, b: Judged): number => a.seat.order - b.seat.order
  switch (sort) {
    case 'code':
      return [...sites].sort(order)
    case 'region':
      return [...sites].sort(
        (a, b) => a.seat.region.localeCompare(b.seat.region, 'vi') || order(a, b),
      )
    case 'worst':
      return [...sites].sort(
        (a, b) =>
          callOf(a) - callOf(b) ||
          Number(otherCodec(b) !== null) - Number(otherCodec(a) !== null) ||
          SEVERITY.indexOf(a.state) - SEVERITY.indexOf(b.state) ||
          Number(controlLost(b)) - Number(controlLost(a)) ||
          Number(pictureFault(b) !== null) - Number(pictureFault(a) !== null) ||
          order(a, b),
      )
  }
}

/** Calls for help come first, the longest wait before the others; then who sends in vain. */
function callOf({ seat }: Judged): number {
  return seat.help_since ?? Number.MAX_VALUE
}

/** Media flows, but the page that shows tally and takes orders is out of reach. */
export function controlLost({ state, figures }: Judged): boolean {
  return figures?.control === 'lost' && ['good', 'fair', 'poor'].includes(state)
}

/** What its encoder offers in vain, since the conference has another codec. */
export function otherCodec({ figures }: Judged): string | null {
  return figures?.other_codec ?? null
}

export type PictureFault = keyof Catalogue['technician']['pictureFaults']

/** What the camera shows in place of the room, over a path that is good. */
export function pictureFault({ state, figures }: Judged): PictureFault | null {
  const picture = figures?.picture ?? 'ok'
  return picture === 'ok' || state !== 'good' ? null : picture
}

export type Advice = keyof Catalogue['technician']['advice']

/** Seconds without a sign after which that path counts as silent. */
const SILENT_S = 5
const LOSS_RATIO = 0.03
const RTT_S = 0.3
const FREEZE_RATIO = 0.05

/** What to tell the technician to do, from independent signals. */
export function adviceFor(judged: Judged): Advice {
  const { state, figures } = judged
  if (otherCodec(judged) !== null) return 'other_codec'
  if (controlLost(judged)) return 'control_lost'
  switch (state) {
    case 'offline':
      return figures === null || figures.control_age_s === null ? 'offline_never' : 'offline'
    case 'connecting':
      return hears(figures?.control_age_s) && figures?.consent_age_s === null
        ? 'connecting_no_media'
        : 'connecting'
    case 'lost':
      if (hears(figures?.consent_age_s)) return 'lost_device'
      return hears(figures?.control_age_s) ? 'lost_media' : 'lost_site'
    case 'poor':
    case 'fair':
      if (Math.max(figures?.loss_ratio ?? 0, figures?.receive_loss_ratio ?? 0) >= LOSS_RATIO) {
        return 'loss'
      }
      if ((figures?.rtt_s ?? 0) >= RTT_S) return 'delay'
      return (figures?.freeze_ratio ?? 0) >= FREEZE_RATIO ? 'freezes' : 'weak'
    case 'good':
      // a call for help comes before what the camera shows
      return (judged.seat.help_since === null ? pictureFault(judged) : null) ?? soundAdvice(judged)
  }
}

/** What is left is the room's sound. */
function soundAdvice({ seat, figures }: Judged): Advice {
  if (seat.help_since !== null) return 'help'
  if (clips(figures)) return 'clipping'
  if (figures?.microphone === false) return 'no_microphone'
  // a microphone that cannot be judged is not to blame
  const listened = figures !== null && figures.mic_heard !== null
  return listened && seat.heard_at === null ? 'not_heard' : 'good'
}

function hears(age: number | null | undefined): boolean {
  return age !== null && age !== undefined && age <= SILENT_S
}

/** Seconds since any sign of the site; null is never. */
export function contactAge(figures: SiteFigures | null): number | null {
  const ages = [figures?.control_age_s, figures?.consent_age_s, figures?.media_age_s].filter(
    (age): age is number => typeof age === 'number',
  )
  return ages.length === 0 ? null : Math.min(...ages)
}

/** Figures that are older than this must not be taken for the present. */
export const STALE_S = 3

/** How old the figures are, once that is too old; null while they are fresh. */
export function staleFor(receivedAtMs: number, nowS: number): number | null {
  const age = nowS - receivedAtMs / 1000
  return age >= STALE_S ? Math.floor(age) : null
}
