/** What the technician's page holds: the conference and the newest figures. */

import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals'
import { Rest } from '../shared/client/rest'
import { ConferenceSocket, type SocketOptions } from '../shared/client/socket'
import { conferenceOf, seatsOf } from '../shared/client/view'
import { Notices } from '../shared/ui/notices'
import { healthOf } from '../shared/ui/state'
import type {
  ConferenceRow,
  HealthState,
  PageCommand,
  Role,
  SiteCode,
} from '../shared/wire/types.gen'
import { type Judged, SEVERITY, type Sort, sorted, staleFor } from './judge'

const ACTING: readonly Role[] = ['administrator', 'operator', 'technician']

export class Watch {
  readonly socket: ConferenceSocket
  readonly notices = new Notices()
  readonly sort: Signal<Sort> = signal('worst')
  readonly selected: Signal<SiteCode | null> = signal(null)
  readonly conference: ReadonlySignal<ConferenceRow | null>
  readonly sites: ReadonlySignal<Judged[]>
  readonly counts: ReadonlySignal<Record<HealthState, number>>
  /** Seconds since figures came, once that is too long. */
  readonly stale: ReadonlySignal<number | null>
  /** May answer calls and promote devices; others look on. */
  readonly acts: ReadonlySignal<boolean>
  private readonly openedAt: number

  constructor(
    options: SocketOptions,
    readonly now: Signal<number>,
    readonly rest: Rest = new Rest(),
  ) {
    const socket = new ConferenceSocket(options)
    this.socket = socket
    this.openedAt = now.peek() * 1000
    this.conference = computed(() => conferenceOf(socket.view.value))
    this.sites = computed(() => {
      const received = socket.received.value
      const judged = seatsOf(socket.view.value).map((seat) => ({
        seat,
        state: healthOf(seat, received),
        figures: received?.figures.sites[seat.site] ?? null,
      }))
      return sorted(judged, this.sort.value)
    })
    this.counts = computed(() => {
      const counts = Object.fromEntries(SEVERITY.map((state) => [state, 0]))
      for (const { state } of this.sites.value) counts[state] = (counts[state] ?? 0) + 1
      return counts as Record<HealthState, number>
    })
    this.acts = computed(() => ACTING.includes(socket.view.value?.role ?? 'viewer'))
    this.stale = computed(() => {
      const receivedAt = socket.received.value?.receivedAt ?? this.openedAt
      return staleFor(receivedAt, now.value)
    })
  }

  open(): void {
    this.socket.connect()
  }

  ask(command: PageCommand): void {
    this.socket.command(command).catch((error: unknown) => this.notices.refused(error))
  }

  /** The one codec of this conference's pictures. */
  get codec(): string {
    const codec = this.socket.view.value?.doors.codec
    return codec === 'H264' ? 'H.264' : (codec ?? '')
  }

  get chosen(): Judged | null {
    return this.sites.value.find(({ seat }) => seat.site === this.selected.value) ?? null
  }

  /** When figures last came, in Unix seconds of this machine; null if never. */
  get lastFigures(): number | null {
    const received = this.socket.received.value
    return received === null ? null : received.receivedAt / 1000
  }
}
