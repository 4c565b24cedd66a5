/**
 * One site's presence in the conference: link, devices, socket and media, from the first tap to
 * the end. After any interruption it comes back by itself, and never with a microphone that was
 * shut.
 */

import {
  batch,
  computed,
  effect,
  type ReadonlySignal,
  type Signal,
  signal,
  untracked,
} from '@preact/signals'
import type { Memory } from '../shared/client/memory'
import { type Failure, Refusal } from '../shared/client/problem'
import { type Rest, seatPath } from '../shared/client/rest'
import { ConferenceSocket, type SocketOptions } from '../shared/client/socket'
import { conferenceOf, floorOf, seatOf, stageOf } from '../shared/client/view'
import { type Devices, permissionPersists } from '../shared/media/devices'
import { Publisher, type PublishOptions } from '../shared/media/publish'
import { Receiver } from '../shared/media/receive'
import type { Door } from '../shared/media/session'
import { siteSlots } from '../shared/media/slots'
import { Sound } from '../shared/media/sound'
import type {
  ConferenceRow,
  ErrorCode,
  FloorRow,
  PageCommand,
  Seated,
  SeatRow,
  SiteCode,
  StageRow,
} from '../shared/wire/types.gen'
import type { SeatAddress } from './address'
import { Gear } from './gear'

export type Screen =
  | { readonly kind: 'loading' }
  | { readonly kind: 'enter'; readonly failure?: Failure }
  | { readonly kind: 'no_link' }
  | { readonly kind: 'return' }
  | { readonly kind: 'devices' }
  | { readonly kind: 'joined' }
  | { readonly kind: 'left' }
  | { readonly kind: 'ended' }
  | { readonly kind: 'replaced' }
  | { readonly kind: 'taken_over' }
  | { readonly kind: 'taken' }
  | { readonly kind: 'refused'; readonly code: ErrorCode }

export const TAKEN_RETRY_MS = 5_000
/** How long a leaving page waits for the server to have heard it. */
const LEAVE_MS = 1_500
const TALKING_LEVEL = 0.55
const TALKING_SHOWN_MS = 3_000

export interface AttendanceOptions extends Omit<SocketOptions, 'url'> {
  readonly address: SeatAddress
  readonly socketBase: string
  readonly rest: Rest
  readonly memory: Memory
  readonly devices: Devices | undefined
  readonly permissions?: Pick<Permissions, 'query'> | undefined
  readonly media?: Pick<PublishOptions, 'createPeer' | 'fetch' | 'videoCodecs'>
}

export class Attendance {
  readonly screen: Signal<Screen> = signal({ kind: 'loading' })
  readonly entering: Signal<boolean> = signal(false)
  readonly seated: Signal<Seated | null> = signal(null)
  readonly sound = new Sound()
  readonly gear: Gear
  readonly socket: ConferenceSocket
  readonly publisher: Publisher
  readonly receiver: Receiver
  /** Speaking into a microphone that is shut, a moment ago. */
  readonly talking: Signal<boolean> = signal(false)

  readonly conference: ReadonlySignal<ConferenceRow | null>
  readonly own: ReadonlySignal<SeatRow | null>
  readonly stage: ReadonlySignal<StageRow>
  readonly floor: ReadonlySignal<FloorRow>
  /** Whether this page lets sound out: only the server can say so. */
  readonly micOpen: ReadonlySignal<boolean>

  /** Shut here, while the server has not yet heard of it. */
  private readonly shutting: Signal<number> = signal(0)
  private readonly stops: (() => void)[] = []
  private retryTimer: ReturnType<typeof setTimeout> | undefined
  private talkingTimer: ReturnType<typeof setTimeout> | undefined

  constructor(private readonly options: AttendanceOptions) {
    const { conference, site } = options.address
    const url = `${options.socketBase}${seatPath(conference, site)}socket`
    this.gear = new Gear(options.devices, options.memory.read().choice)
    this.socket = new ConferenceSocket({ ...options, url })
    const { view } = this.socket
    const door = (kind: 'whip' | 'whep') => (): Door | null => {
      const doors = view.peek()?.doors
      const at = doors?.[kind] ?? null
      if (doors === undefined || at === null) return null
      return { url: at, token: doors.token, iceServers: doors.ice_servers }
    }
    this.publisher = new Publisher({ ...options.media, door: door('whip') })
    this.receiver = new Receiver({ ...options.media, door: door('whep'), slots: siteSlots })
    this.conference = computed(() => conferenceOf(view.value))
    this.own = computed(() => seatOf(view.value, site))
    this.stage = computed(() => stageOf(view.value))
    this.floor = computed(() => floorOf(view.value))
    this.micOpen = computed(
      () =>
        this.screen.value.kind === 'joined' &&
        this.own.value?.muted_by_site === false &&
        this.shutting.value === 0,
    )
    this.gear.onChange = (opened) => this.publisher.send(opened)
    this.socket.onSessionClosed = ({ session }) => {
      this.publisher.session.closedByBridge(session)
      this.receiver.session.closedByBridge(session)
    }
  }

  get site(): SiteCode {
    return this.options.address.site
  }

  /** Begin where this browser was when the page was last open. */
  async open(): Promise<void> {
    this.stops.push(
      effect(() => this.gear.setHeard(this.micOpen.value)),
      effect(() => this.followSocket()),
      effect(() => this.followPhase()),
      effect(() => this.followMedia()),
      effect(() => this.followVoice()),
    )
    const { address, memory, devices, permissions } = this.options
    if (!memory.read().joined) {
      this.screen.value = { kind: address.token === null ? 'no_link' : 'enter' }
      return
    }
    const persists = await permissionPersists(this.gear.choice.value, permissions, devices)
    if (persists) await this.comeBack()
    else this.screen.value = { kind: 'return' }
  }

  /** The tap on the link: become this site's device. */
  async enter(): Promise<void> {
    const { address, rest } = this.options
    if (address.token === null) return
    this.entering.value = true
    try {
      const { conference, site, token } = address
      this.seated.value = await rest.exchange(conference, site, { token })
      this.screen.value = { kind: 'devices' }
      void this.gear.open()
    } catch (error) {
      const failure = error instanceof Refusal ? error.code : 'internal'
      this.screen.value = { kind: 'enter', failure }
    }
    this.entering.value = false
  }

  /** Join with what is open, which may be nothing. */
  join(): void {
    this.remember(true)
    this.screen.value = { kind: 'joined' }
    this.socket.connect()
  }

  /** Join again with the devices chosen before. */
  async comeBack(): Promise<void> {
    this.screen.value = { kind: 'joined' }
    const opened = this.gear.open()
    this.join()
    await opened
  }

  chooseAgain(): void {
    this.screen.value = { kind: 'devices' }
    void this.gear.open()
  }

  async changeDevices(choice: typeof this.gear.choice.value): Promise<void> {
    await this.gear.open(choice)
    if (this.screen.value.kind === 'joined') this.remember(true)
  }

  /** Shut or open this site's own microphone. Shutting works at once, also without a server. */
  toggleMic(): void {
    const { site } = this
    if (!this.micOpen.value) {
      this.shutting.value = 0
      this.ask({ type: 'unmute', site })
      return
    }
    this.shutting.value += 1
    const done = (): void => {
      this.shutting.value = Math.max(0, this.shutting.value - 1)
    }
    this.socket.command({ type: 'mute', site }).then(done, done)
  }

  async leave(): Promise<void> {
    this.remember(false)
    const heard = this.socket.command({ type: 'leave' }).catch(() => {})
    this.screen.value = { kind: 'left' }
    this.stopMedia()
    await Promise.race([heard, new Promise((resolve) => setTimeout(resolve, LEAVE_MS))])
    if (this.screen.value.kind === 'left') this.socket.close()
  }

  close(): void {
    for (const stop of this.stops) stop()
    clearTimeout(this.retryTimer)
    clearTimeout(this.talkingTimer)
    this.stopMedia()
    this.socket.close()
  }

  private ask(command: PageCommand): void {
    this.socket.command(command).catch(() => {
      // the state that comes with the next patch says what holds
    })
  }

  private remember(joined: boolean): void {
    this.options.memory.write({ joined, choice: this.gear.choice.value })
  }

  private stopMedia(): void {
    this.publisher.session.stop()
    this.receiver.stop()
    this.gear.close()
  }

  private followSocket(): void {
    const connection = this.socket.connection.value
    if (connection.kind === 'live') {
      untracked(() => {
        if (this.screen.value.kind === 'taken') void this.comeBackIn()
      })
    }
    if (connection.kind === 'refused') untracked(() => this.refused(connection.code))
  }

  /** The seat has become free for this device. */
  private async comeBackIn(): Promise<void> {
    this.screen.value = { kind: 'joined' }
    await this.gear.open()
  }

  private refused(code: ErrorCode): void {
    batch(() => {
      this.stopMedia()
      if (code === 'replaced' || code === 'taken_over') this.screen.value = { kind: code }
      else if (code === 'seat_taken') {
        this.screen.value = { kind: 'taken' }
        clearTimeout(this.retryTimer)
        this.retryTimer = setTimeout(() => this.socket.connect(), TAKEN_RETRY_MS)
      } else if (code === 'unauthenticated' && this.options.address.token !== null) {
        this.screen.value = { kind: 'enter' }
      } else this.screen.value = { kind: 'refused', code }
    })
  }

  private followPhase(): void {
    if (this.conference.value?.phase !== 'ended') return
    untracked(() => {
      if (this.screen.value.kind !== 'joined') return
      this.remember(false)
      // the link stays: an end that came too early can be taken back
      this.screen.value = { kind: 'ended' }
      this.stopMedia()
    })
  }

  private followMedia(): void {
    const ready = this.screen.value.kind === 'joined' && this.socket.view.value !== null
    const live = this.socket.connection.value.kind === 'live'
    if (!ready || !live) return
    untracked(() => {
      this.publisher.session.start()
      this.receiver.session.start()
    })
  }

  private followVoice(): void {
    if (this.gear.meter.level.value < TALKING_LEVEL || this.micOpen.value) return
    this.talking.value = true
    clearTimeout(this.talkingTimer)
    this.talkingTimer = setTimeout(() => {
      this.talking.value = false
    }, TALKING_SHOWN_MS)
  }
}
