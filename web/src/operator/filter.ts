/** Which tiles of the wall are shown. Pure. */

import { micOf } from '../shared/ui/state'
import type { HealthState, SeatRow } from '../shared/wire/types.gen'

export type Filter = 'all' | 'present' | 'absent' | 'trouble' | 'open'

export const FILTERS: readonly Filter[] = ['all', 'present', 'absent', 'trouble', 'open']

const TROUBLE: readonly HealthState[] = ['lost', 'poor', 'fair']

export function passes(filter: Filter, seat: SeatRow, health: HealthState): boolean {
  switch (filter) {
    case 'all':
      return true
    case 'present':
      return seat.present
    case 'absent':
      return !seat.present
    case 'trouble':
      return seat.help_since !== null || TROUBLE.includes(health)
    case 'open':
      return micOf(seat) === 'open'
  }
}
