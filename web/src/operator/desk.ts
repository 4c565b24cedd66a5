/** The operator's desk: the conference as this page sees it, and everything that it can ask for. */

import { computed, effect, type ReadonlySignal, type Signal, signal } from '@preact/signals'
import { ConferenceSocket, type SocketOptions } from '../shared/client/socket'
import {
  conferenceOf,
  floorOf,
  queueOf,
  recordingOf,
  seatsOf,
  stageOf,
} from '../shared/client/view'
import { type ReceiveOptions, Receiver } from '../shared/media/receive'
import { type Door, doorOf } from '../shared/media/session'
import { operatorSlots, slotNames } from '../shared/media/slots'
import { Sound } from '../shared/media/sound'
import { Notices } from '../shared/ui/notices'
import {
  carriesMedia,
  healthOf,
  helpCallsOf,
  type MicState,
  micOf,
  type VoiceState,
  voiceOf,
} from '../shared/ui/state'
import type {
  ConferenceRow,
  FloorRow,
  HealthState,
  PageCommand,
  Phase,
  QueueRow,
  RecordingRow,
  Scene,
  SeatRow,
  SiteCode,
  SiteFigures,
  StageRow,
} from '../shared/wire/types.gen'
import { type Filter, passes } from './filter'
import { Prepared } from './prepared'
import { matches, sameScene, sceneOf, toggled, withSlides } from './scene'

export type PhaseChange =
  | 'schedule'
  | 'rehearse'
  | 'end_rehearsal'
  | 'start'
  | 'recess'
  | 'resume'
  | 'end'
  | 'reopen'

export interface DeskOptions extends SocketOptions {
  readonly receive?: Omit<ReceiveOptions, 'door' | 'slots'>
}

export class Desk {
  readonly socket: ConferenceSocket
  readonly sound = new Sound()
  /** The cue has its own switch: it is for the operator's ear, also while the floor is off. */
  readonly cueSound = new Sound()
  readonly notices = new Notices()
  readonly receiver: Signal<Receiver | null> = signal(null)
  readonly selected: Signal<SiteCode | null> = signal(null)
  /** Whose microphone the operator hears before it is on air. */
  readonly cued: Signal<SiteCode | null> = signal(null)
  readonly query: Signal<string> = signal('')
  readonly filter: Signal<Filter> = signal('all')

  readonly conference: ReadonlySignal<ConferenceRow | null>
  readonly seats: ReadonlySignal<SeatRow[]>
  readonly stage: ReadonlySignal<StageRow>
  readonly floor: ReadonlySignal<FloorRow>
  readonly queue: ReadonlySignal<QueueRow>
  readonly recording: ReadonlySignal<RecordingRow | null>
  readonly helpCalls: ReadonlySignal<SeatRow[]>
  readonly shown: ReadonlySignal<SeatRow[]>
  /** What goes on air with the next take. */
  readonly prepared: Prepared
  /** The sites that offer slides. */
  readonly sharing: ReadonlySignal<SeatRow[]>

  private readonly stops: (() => void)[] = []

  constructor(private readonly options: DeskOptions) {
    const socket = new ConferenceSocket(options)
    this.socket = socket
    this.conference = computed(() => conferenceOf(socket.view.value))
    this.seats = computed(() => seatsOf(socket.view.value))
    this.stage = computed(() => stageOf(socket.view.value))
    this.floor = computed(() => floorOf(socket.view.value))
    this.queue = computed(() => queueOf(socket.view.value))
    this.recording = computed(() => recordingOf(socket.view.value))
    this.helpCalls = computed(() => helpCallsOf(this.seats.value))
    this.sharing = computed(() => this.seats.value.filter((seat) => seat.sharing))
    this.shown = computed(() => this.seats.value.filter((seat) => this.shows(seat)))
    this.prepared = new Prepared(
      () => this.conference.value?.preview ?? null,
      (scene) => this.ask({ type: 'preview', scene }),
    )
    socket.onSessionClosed = ({ session }) => {
      this.receiver.value?.session.closedByBridge(session)
    }
  }

  open(): void {
    this.socket.connect()
    this.stops.push(
      effect(() => this.receive(this.seats.value.length, this.conference.value?.phase)),
      effect(() => this.socket.watch(this.thumbSites())),
      effect(() => this.followCue()),
    )
  }

  close(): void {
    for (const stop of this.stops) stop()
    this.receiver.value?.stop()
    this.socket.close()
  }

  // --- what the page shows -------------------------------------------------------------------

  health(seat: SeatRow): HealthState {
    return healthOf(seat, this.socket.received.value)
  }

  mic(seat: SeatRow): MicState {
    return micOf(seat)
  }

  figures(site: SiteCode): SiteFigures | null {
    return this.socket.received.value?.figures.sites[site] ?? null
  }

  /** Whether somebody speaks there, and is heard. */
  voice(seat: SeatRow): VoiceState {
    return voiceOf(seat, this.figures(seat.site))
  }

  /** Seconds that a site has spoken, with the speech that is going on. */
  spokenS(seat: SeatRow, nowS: number): number {
    const { speaker, speaking_since: since } = this.floor.value
    const running = speaker?.site === seat.site && since !== null ? Math.max(0, nowS - since) : 0
    return seat.spoken_s + running
  }

  seat(site: SiteCode): SeatRow | null {
    return this.seats.value.find((seat) => seat.site === site) ?? null
  }

  /** Whose slides a scene shows now: as `signaling.routing` has it, none while they do not come. */
  slidesOf(scene: Scene | null): SeatRow | null {
    const seat = scene === null || scene.slides === null ? null : this.seat(scene.slides)
    return seat?.sharing && seat.present ? seat : null
  }

  /** Thumbnail slots go to the sites in wall order, and stay there while tiles are filtered. */
  thumbOf(site: SiteCode): string | null {
    const index = this.thumbSites().indexOf(site)
    return index < 0 ? null : `thumb:${index + 1}`
  }

  /** Why the preview cannot go on air now; null if it can. */
  takeBlocked(): 'takeNothing' | 'takeBeforeStart' | 'takeSame' | null {
    const conference = this.conference.value
    const scene = this.prepared.scene.value
    if (conference === null || scene === null) return 'takeNothing'
    if (!carriesMedia(conference.phase)) return 'takeBeforeStart'
    return sameScene(scene, conference.program) ? 'takeSame' : null
  }

  // --- what the operator does ------------------------------------------------------------------

  preview(site: SiteCode): void {
    this.selected.value = site
    this.prepared.set(sceneOf([site]))
  }

  /** Put a site into the picture that is being prepared, or take it out. */
  toggleInPreview(site: SiteCode): void {
    this.selected.value = site
    const scene = toggled(this.prepared.scene.value, site)
    if (scene !== 'full') this.prepared.set(scene)
  }

  /** Put a site's slides into the picture that is being prepared, or take them out. */
  toggleSlides(site: SiteCode, beside = false): void {
    this.selected.value = site
    if (!this.seat(site)?.sharing) return
    const scene = withSlides(this.prepared.scene.value, site, beside)
    if (scene !== 'full') this.prepared.set(scene)
  }

  clearPreview(): void {
    this.prepared.set(null)
  }

  take(): void {
    const scene = this.prepared.scene.value
    if (scene === null || this.takeBlocked() !== null) return
    this.ask({ type: 'take', scene })
  }

  /** Move the conference to another phase. */
  change(type: PhaseChange): void {
    this.ask({ type })
  }

  /** Record the program and these sites; while recording, choose the sites anew. */
  record(sites: readonly SiteCode[]): void {
    this.ask({ type: 'start_recording', sites: [...sites] })
  }

  stopRecording(): void {
    this.ask({ type: 'stop_recording' })
  }

  /** Set or lift the operator's mute of a site. */
  toggleMic(site: SiteCode): void {
    const seat = this.seat(site)
    if (seat !== null) this.ask({ type: seat.muted_by_operator ? 'unmute' : 'mute', site })
  }

  /** Tell a site that it comes next, or no longer. */
  markNext(site: SiteCode): void {
    const marked = this.queue.value.next?.site === site
    this.ask({ type: 'mark_next', site: marked ? null : site })
  }

  /** Move a hand up (-1) or down (1) by one place. */
  moveInQueue(site: SiteCode, by: -1 | 1): void {
    const sites = this.queue.value.seats.map((seat) => seat.site)
    const from = sites.indexOf(site)
    const other = sites[from + by]
    if (from < 0 || other === undefined) return
    sites[from + by] = site
    sites[from] = other
    this.ask({ type: 'order_hands', sites })
  }

  /** Hear a site before it is on air; ends when another site is selected. */
  toggleCue(site: SiteCode): void {
    this.cued.value = this.cued.value === site ? null : site
    if (this.cued.value !== null) this.cueSound.enable()
  }

  muteAll(): void {
    for (const seat of this.seats.value) {
      if (!seat.muted_by_operator && !seat.central) this.ask({ type: 'mute', site: seat.site })
    }
  }

  /** Resolves when the server has answered; a refusal is shown, not thrown. */
  ask(command: PageCommand): Promise<void> {
    return this.socket.command(command).catch((error: unknown) => this.notices.refused(error))
  }

  private followCue(): void {
    if (this.cued.value !== null && this.cued.value !== this.selected.value) this.cued.value = null
    this.socket.cue(this.cued.value)
  }

  private shows(seat: SeatRow): boolean {
    return matches(seat, this.query.value) && passes(this.filter.value, seat, this.health(seat))
  }

  private thumbSites(): SiteCode[] {
    const slots = slotNames(operatorSlots(this.seats.value.length))
    const thumbs = slots.filter((slot) => slot.startsWith('thumb:')).length
    return this.seats.value.slice(0, thumbs).map((seat) => seat.site)
  }

  /** One session from the first seats to the end, and again when the end is taken back. */
  private receive(seats: number, phase: Phase | undefined): void {
    if (seats === 0 || phase === undefined) return
    const slots = operatorSlots(seats)
    const door = (): Door | null => doorOf(this.socket.view.peek()?.doors, 'whep')
    const receiver = this.receiver.peek() ?? new Receiver({ ...this.options.receive, door, slots })
    this.receiver.value = receiver
    if (phase === 'ended') receiver.stop()
    else receiver.session.start()
  }
}
