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
import { type Failure, failureOf } from '../shared/client/problem'
import { type Rest, seatPath } from '../shared/client/rest'
import { ConferenceSocket, type SocketOptions } from '../shared/client/socket'
import { conferenceOf, floorOf, recordingOf, seatOf, stageOf } from '../shared/client/view'
import { type Devices, permissionPersists } from '../shared/media/devices'
import { Publisher, type PublishOptions } from '../shared/media/publish'
import { Receiver } from '../shared/media/receive'
import { ReportMaker } from '../shared/media/report'
import { ScreenShare, type Screens } from '../shared/media/screen'
import { type Door, doorOf } from '../shared/media/session'
import { Sound } from '../shared/media/sound'
import { carriesMedia } from '../shared/ui/state'
import {
  type ConferenceRow,
  type ErrorCode,
  FLOOR_POSITIONS,
  type FloorRow,
  type PageCommand,
  type RecordingRow,
  type Seated,
  type SeatRow,
  SITE_SLOTS,
  type SiteCode,
  type SlotName,
  type StageRow,
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
  | { readonly kind: 'standby' }
  | { readonly kind: 'taken_over' }
  | { readonly kind: 'taken' }
  | { readonly kind: 'refused'; readonly code: ErrorCode }

export const TAKEN_RETRY_MS = 5_000
export const REPORT_MS = 5_000
/** The link or the cookie is no good, but the address may hold a newer one. */
const ENTER_AGAIN: readonly ErrorCode[] = ['unauthenticated', 'link_revoked', 'link_expired']
/** How long a leaving page waits for the server to have heard it. */
const LEAVE_MS = 1_500
const TALKING_LEVEL = 0.55
const TALKING_SHOWN_MS = 3_000

export interface AttendanceOptions extends Omit<SocketOptions, 'url'> {
  readonly address: SeatAddress
  readonly socketBase: string
  readonly rest: Rest
  readonly memory: Memory
  /** This tab was let in by a typed code. */
  readonly arrived?: Seated | null
  readonly devices: Devices | undefined
  readonly screens?: Screens | undefined
  readonly permissions?: Pick<Permissions, 'query'> | undefined
  readonly media?: Pick<PublishOptions, 'createPeer' | 'fetch' | 'videoCodecs'>
}

export class Attendance {
  readonly screen: Signal<Screen> = signal({ kind: 'loading' })
  readonly entering: Signal<boolean> = signal(false)
  readonly seated: Signal<Seated | null> = signal(null)
  readonly sound = new Sound()
  readonly gear: Gear
  /** What this site shares as its second picture. */
  readonly slides: ScreenShare
  readonly socket: ConferenceSocket
  readonly publisher: Publisher
  readonly receiver: Receiver
  /** Speaking into a microphone that is shut, a moment ago. */
  readonly talking: Signal<boolean> = signal(false)

  readonly conference: ReadonlySignal<ConferenceRow | null>
  readonly own: ReadonlySignal<SeatRow | null>
  readonly stage: ReadonlySignal<StageRow>
  readonly recording: ReadonlySignal<RecordingRow | null>
  readonly floor: ReadonlySignal<FloorRow>
  /** Whether this page lets sound out: only the server can say so. */
  readonly micOpen: ReadonlySignal<boolean>
  /** Of many open microphones the loudest are carried: whether this one is. */
  readonly carried: ReadonlySignal<boolean>

  /** Shut here, while the server has not yet heard of it. */
  private readonly shutting: Signal<number> = signal(0)
  /** What the server is being told of the slides, until it has heard it. */
  private telling: boolean | null = null
  private readonly stops: (() => void)[] = []
  private retryTimer: ReturnType<typeof setTimeout> | undefined
  private talkingTimer: ReturnType<typeof setTimeout> | undefined
  private reportTimer: ReturnType<typeof setInterval> | undefined
  private readonly reports = new ReportMaker()

  constructor(private readonly options: AttendanceOptions) {
    const { conference, site } = options.address
    const url = `${options.socketBase}${seatPath(conference, site)}socket`
    this.gear = new Gear(options.devices, options.memory.read().choice)
    this.slides = new ScreenShare(options.screens)
    this.socket = new ConferenceSocket({ ...options, url })
    const { view } = this.socket
    const door = (kind: 'whip' | 'whep') => (): Door | null => doorOf(view.peek()?.doors, kind)
    this.publisher = new Publisher({ ...options.media, door: door('whip') })
    this.receiver = new Receiver({ ...options.media, door: door('whep'), slots: SITE_SLOTS })
    this.conference = computed(() => conferenceOf(view.value))
    this.own = computed(() => seatOf(view.value, site))
    this.stage = computed(() => stageOf(view.value))
    this.recording = computed(() => recordingOf(view.value))
    this.floor = computed(() => floorOf(view.value))
    this.micOpen = computed(
      () =>
        this.screen.value.kind === 'joined' &&
        this.own.value?.muted_by_site === false &&
        this.shutting.value === 0,
    )
    this.carried = computed(() => {
      const figures = this.socket.received.value?.figures.sites[site]
      const scarce = this.floor.value.seats.length > FLOOR_POSITIONS
      return !scarce || figures === undefined || figures.floor_position !== null
    })
    this.gear.onChange = ({ microphone, camera }) => this.publisher.send({ microphone, camera })
    this.slides.onChange = (track) => this.publisher.send({ slides: track })
    this.socket.onLayers = ({ track, layers }) => this.publisher.watched(track, layers)
    this.socket.onSessionClosed = ({ session }) => {
      this.publisher.session.closedByBridge(session)
      this.receiver.session.closedByBridge(session)
    }
  }

  get site(): SiteCode {
    return this.options.address.site
  }

  /** Whether the whole conference sees what this site shares. */
  get slidesOnAir(): boolean {
    const { program, phase } = this.conference.value ?? {}
    const taken = program?.slides === this.site && carriesMedia(phase)
    return taken && this.slides.state.value.kind === 'on'
  }

  /** The slots whose picture moves; slides may stand still, and on a slow line a picture may rest. */
  get moving(): SlotName[] {
    const { seats, slides } = this.stage.value
    const first = slides === null ? 1 : 2
    return seats
      .map((_, index) => `stage:${index + first}`)
      .filter((slot) => !this.socket.paused.value.has(slot))
  }

  private get slidesTrack(): MediaStreamTrack | null {
    const state = this.slides.state.value
    return state.kind === 'on' ? state.track : null
  }

  /** Begin where this browser was when the page was last open. */
  async open(): Promise<void> {
    this.stops.push(
      effect(() => this.gear.setHeard(this.micOpen.value)),
      effect(() => this.followSocket()),
      effect(() => this.followPhase()),
      effect(() => this.followMedia()),
      effect(() => this.followVoice()),
      effect(() => this.followSlides()),
    )
    this.reportTimer = setInterval(() => void this.report(), REPORT_MS)
    const { address, memory, devices, permissions, arrived = null } = this.options
    if (!memory.read().joined) {
      if (address.token !== null) this.screen.value = { kind: 'enter' }
      else if (arrived === null) this.screen.value = { kind: 'no_link' }
      else {
        this.seated.value = arrived
        this.chooseAgain()
      }
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
      const failure = failureOf(error)
      this.screen.value = { kind: 'enter', failure }
    }
    this.entering.value = false
  }

  /** Join with what is open, which may be nothing. */
  join(): void {
    this.remember(true)
    this.screen.value = { kind: 'joined' }
    this.socket.standby = false
    this.socket.connect()
  }

  /** Wait beside the device that holds the seat, camera ready and nothing sent. */
  async standBy(): Promise<void> {
    this.remember(true)
    this.screen.value = { kind: 'standby' }
    const opened = this.gear.open()
    this.socket.standby = true
    this.socket.connect()
    await opened
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

  /** Ask to speak, or no longer. */
  toggleHand(): void {
    const raised = (this.own.value?.hand_since ?? null) !== null
    this.ask(raised ? { type: 'lower_hand', site: this.site } : { type: 'raise_hand' })
  }

  /** Share a screen or window, or no longer. */
  toggleSlides(): void {
    if (this.slides.state.value.kind === 'on') this.slides.stop()
    else void this.slides.start()
  }

  /** Call a technician, or take the call back. */
  toggleHelp(): void {
    const asked = (this.own.value?.help_since ?? null) !== null
    this.ask(asked ? { type: 'clear_help', site: this.site } : { type: 'ask_help' })
  }

  async leave(): Promise<void> {
    this.remember(false)
    clearTimeout(this.retryTimer)
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
    clearInterval(this.reportTimer)
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
    this.stopSessions()
    this.gear.close()
  }

  private stopSessions(): void {
    this.slides.stop()
    this.publisher.session.stop()
    this.receiver.stop()
  }

  private followSocket(): void {
    const connection = this.socket.connection.value
    if (connection.kind === 'live') {
      const standby = this.socket.view.value?.standby ?? false
      untracked(() => this.seatedAs(standby))
    }
    if (connection.kind === 'refused') untracked(() => this.refused(connection.code))
  }

  /** In the seat, or beside it. */
  private seatedAs(standby: boolean): void {
    const { kind } = this.screen.value
    if (kind !== 'taken' && kind !== 'standby') return
    this.socket.standby = standby
    this.screen.value = { kind: standby ? 'standby' : 'joined' }
  }

  private refused(code: ErrorCode): void {
    batch(() => {
      if (code === 'seat_taken') {
        this.seatTaken()
        return
      }
      this.stopMedia()
      const fresh = this.options.address.token !== null && this.socket.view.value === null
      if (code === 'replaced' || code === 'taken_over') this.screen.value = { kind: code }
      else if (fresh && ENTER_AGAIN.includes(code)) {
        this.screen.value = { kind: 'enter' }
      } else this.screen.value = { kind: 'refused', code }
    })
  }

  /** Another device has the seat: wait beside it, or for a place beside it. */
  private seatTaken(): void {
    this.stopSessions()
    clearTimeout(this.retryTimer)
    if (!this.socket.standby) {
      this.screen.value = { kind: 'standby' }
      this.socket.standby = true
      this.socket.connect()
      return
    }
    this.screen.value = { kind: 'taken' }
    this.retryTimer = setTimeout(() => this.socket.connect(), TAKEN_RETRY_MS)
  }

  private async report(): Promise<void> {
    if (this.screen.value.kind !== 'joined') return
    const streams = this.moving.flatMap((slot) => this.receiver.streams.value.get(slot) ?? [])
    const made = await this.reports.make({
      peers: [...this.publisher.session.peers(), ...this.receiver.session.peers()],
      shown: streams.flatMap((stream) => stream.getVideoTracks().map((track) => track.id)),
      slides: this.slidesTrack?.id,
      atMs: performance.now(),
    })
    const { camera, microphone } = this.gear.opened.value
    const level = microphone === null ? null : Math.min(1, this.gear.meter.level.value)
    this.socket.report({
      ...made,
      camera: camera !== null,
      microphone: microphone !== null,
      microphone_level: level,
    })
  }

  private followPhase(): void {
    if (this.conference.value?.phase !== 'ended') return
    untracked(() => {
      if (this.screen.value.kind !== 'joined' && this.screen.value.kind !== 'standby') return
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

  /** The server is told what is shared; also after a reload, which ends every share. */
  private followSlides(): void {
    const shares = this.slides.state.value.kind === 'on'
    const live = this.socket.connection.value.kind === 'live'
    const told = this.own.value?.sharing
    if (this.screen.value.kind !== 'joined' || !live || told === undefined) return
    if (shares === told || shares === this.telling) return
    this.telling = shares
    const heard = (): void => {
      this.telling = null
    }
    this.socket.command({ type: shares ? 'share' : 'unshare' }).then(heard, heard)
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
