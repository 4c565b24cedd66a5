/** How a site's state looks: an icon for each, so that colour is never alone. */

import type { Received } from '../client/view'
import type { HealthState, Phase, SeatRow } from '../wire/types.gen'
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
