/** How loud a microphone is, ten times a second. */

import { type Signal, signal } from '@preact/signals'

const INTERVAL_MS = 100
/** What counts as silence and as full scale, in dB. */
const FLOOR_DB = -60
const CEILING_DB = -6

/** 0–1 for an RMS amplitude of 0–1, on the decibel scale that meters use. */
export function levelOf(rms: number): number {
  if (rms <= 0) return 0
  const decibels = 20 * Math.log10(rms)
  return Math.min(1, Math.max(0, (decibels - FLOOR_DB) / (CEILING_DB - FLOOR_DB)))
}

export class LevelMeter {
  /** 0 is silence, 1 is as loud as it gets. */
  readonly level: Signal<number> = signal(0)
  private context: AudioContext | null = null
  private timer: ReturnType<typeof setInterval> | undefined
  private copy: MediaStreamTrack | null = null

  /** Measures a copy, so that a track that is muted for sending still moves the meter. */
  measure(track: MediaStreamTrack | null): void {
    this.stop()
    if (track === null || typeof AudioContext === 'undefined') return
    this.copy = track.clone()
    this.copy.enabled = true
    const context = new AudioContext()
    this.context = context
    const analyser = context.createAnalyser()
    analyser.fftSize = 1024
    context.createMediaStreamSource(new MediaStream([this.copy])).connect(analyser)
    const samples = new Float32Array(analyser.fftSize)
    this.timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples)
      const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length
      this.level.value = levelOf(Math.sqrt(power))
    }, INTERVAL_MS)
  }

  stop(): void {
    clearInterval(this.timer)
    this.copy?.stop()
    this.copy = null
    void this.context?.close()
    this.context = null
    this.level.value = 0
  }
}

/** A short soft tone, to hear whether the speaker works. */
export function playTestTone(): void {
  const context = new AudioContext()
  const gain = context.createGain()
  const oscillator = context.createOscillator()
  const end = context.currentTime + 0.9
  oscillator.frequency.setValueAtTime(523, context.currentTime)
  oscillator.frequency.setValueAtTime(659, context.currentTime + 0.45)
  gain.gain.setValueAtTime(0.15, context.currentTime)
  gain.gain.linearRampToValueAtTime(0, end)
  oscillator.connect(gain).connect(context.destination)
  oscillator.onended = () => void context.close()
  oscillator.start()
  oscillator.stop(end)
}
