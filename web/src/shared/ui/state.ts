/** How a site's state looks: an icon for each, so that colour is never alone. */

import type { Received } from '../client/view'
import type { HealthState, Phase, SeatRow, SiteFigures } from '../wire/types.gen'
import type { IconName } from './icon'

export const HEALTH_ICONS: Record<HealthState, IconName> = {
  good: 'circleCheck',
  fair: 'circleAlert',
  poor: 'triangleAlert',
  lost: 'wifiOff',
  offline: 'unplug',
  connecting: 'circleDashed',
}

/** The monitor's word; until it has one, what the seat says. */
export function healthOf(seat: SeatRow, received: Received | null): HealthState {
  const figures = received?.figures.sites[seat.site]
  return figures?.state ?? (seat.present ? 'connecting' : 'offline')
}

export type MicState = 'open' | 'muted_by_operator' | 'muted_by_site'

/** Both flags can be set; the operator's is named first, since the site cannot lift it. */
export function micOf(seat: Pick<SeatRow, 'muted_by_operator' | 'muted_by_site'>): MicState {
  if (seat.muted_by_operator) return 'muted_by_operator'
  return seat.muted_by_site ? 'muted_by_site' : 'open'
}

/** Whether sites receive picture and sound now. */
export function carriesMedia(phase: Phase | undefined): boolean {
  return phase === 'live' || phase === 'rehearsal'
}

/** The sites that wait for a technician, the longest wait first. */
export function helpCallsOf(seats: readonly SeatRow[]): SeatRow[] {
  return seats
    .filter((seat) => seat.help_since !== null)
    .sort((a, b) => (a.help_since ?? 0) - (b.help_since ?? 0))
}

/**
 * What comes from a site's microphone, as its node hears it: nobody knows, nobody speaks, somebody
 * speaks and is carried, speaks into an open microphone that is not carried, or into a shut one.
 */
export type VoiceState = 'unknown' | 'quiet' | 'speaking' | 'waiting' | 'muted'

type Flags = Pick<SeatRow, 'muted_by_operator' | 'muted_by_site'>

export function voiceOf(seat: Flags, figures: SiteFigures | null | undefined): VoiceState {
  if (!figures || figures.mic_heard === null) return 'unknown'
  if (!figures.mic_heard) return 'quiet'
  if (micOf(seat) !== 'open') return 'muted'
  return figures.floor_position === null ? 'waiting' : 'speaking'
}

/** From this share of cut packets on a voice sounds broken. */
const CLIPPING_RATIO = 0.02

/** The microphone is turned up too far. */
export function clips(figures: SiteFigures | null | undefined): boolean {
  return (figures?.mic_clipping_ratio ?? 0) >= CLIPPING_RATIO
}

/** Ends of the meter, in dB under the end of the scale. */
const METER_FLOOR = -60
const METER_CEILING = -6

/** 0–1 on a meter; null is a microphone without sound packets, or one whose packets do not say. */
export function meterOf(dbov: number | null | undefined): number | null {
  if (typeof dbov !== 'number') return null
  return Math.min(1, Math.max(0, (dbov - METER_FLOOR) / (METER_CEILING - METER_FLOOR)))
}
