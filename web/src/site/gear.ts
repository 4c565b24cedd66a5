/** The room's camera and microphone: opened, watched, replaced, and shut when they must be. */

import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals'
import {
  type Choice,
  type DeviceKind,
  type DeviceList,
  type Devices,
  listDevices,
  type Opened,
  openDevices,
  stopTracks,
} from '../shared/media/devices'
import { LevelMeter } from '../shared/media/level'

const NOTHING: Opened = { camera: null, microphone: null, problems: {} }

export class Gear {
  readonly choice: Signal<Choice>
  readonly opened: Signal<Opened> = signal(NOTHING)
  readonly opening: Signal<boolean> = signal(false)
  readonly list: Signal<DeviceList> = signal({ cameras: [], microphones: [] })
  /** A device that was in use and has gone. */
  readonly lost: Signal<DeviceKind | null> = signal(null)
  readonly selfView: ReadonlySignal<MediaStream | null>
  readonly meter = new LevelMeter()
  /** Called with whatever is open now. */
  onChange: (opened: Opened) => void = () => {}
  private mayBeHeard = false
  private attempt = 0

  constructor(
    private readonly devices: Devices | undefined,
    choice: Choice,
  ) {
    this.choice = signal(choice)
    this.selfView = computed(() => {
      const camera = this.opened.value.camera
      return camera === null ? null : new MediaStream([camera])
    })
  }

  /** Open what is chosen, in place of what is open. The microphone opens shut. */
  async open(choice: Choice = this.choice.value): Promise<void> {
    this.attempt += 1
    const attempt = this.attempt
    this.choice.value = choice
    this.opening.value = true
    // some cameras cannot be opened twice
    stopTracks(this.opened.value)
    const opened = await openDevices(this.devices, choice)
    if (opened.microphone !== null) opened.microphone.enabled = this.mayBeHeard
    if (attempt !== this.attempt) {
      stopTracks(opened)
      return
    }
    this.adopt(opened)
    this.list.value = await listDevices(this.devices)
    if (attempt === this.attempt) this.opening.value = false
  }

  /** Let sound out, or none at all. Everything that is opened later obeys, too. */
  setHeard(heard: boolean): void {
    this.mayBeHeard = heard
    const { microphone } = this.opened.value
    if (microphone !== null) microphone.enabled = heard
  }

  /** A device was plugged in or out. */
  async refresh(): Promise<void> {
    this.list.value = await listDevices(this.devices)
    if (this.lost.value !== null) await this.open()
  }

  close(): void {
    this.attempt += 1
    this.opening.value = false
    this.setHeard(false)
    stopTracks(this.opened.value)
    this.adopt(NOTHING)
  }

  private adopt(opened: Opened): void {
    this.lost.value = null
    this.opened.value = opened
    this.meter.measure(opened.microphone)
    for (const kind of ['camera', 'microphone'] as const) {
      opened[kind]?.addEventListener('ended', () => this.lose(opened, kind))
    }
    this.onChange(opened)
  }

  private lose(opened: Opened, kind: DeviceKind): void {
    if (this.opened.value !== opened) return
    this.lost.value = kind
    this.opened.value = { ...opened, [kind]: null }
    this.onChange(this.opened.value)
  }
}
