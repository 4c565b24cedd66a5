/** Slots as elements of the page. */

import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { t } from '../i18n'
import type { Streams } from '../media/receive'
import type { Sound } from '../media/sound'
import type { SlotName } from '../wire/types.gen'
import { Icon } from './icon'

interface SlotProps {
  readonly slot: SlotName
  readonly streams: Streams
}

/** The picture of one slot. Always silent: sound has its own elements. */
export function SlotVideo({ slot, streams }: SlotProps) {
  const stream = streams.get(slot) ?? null
  return <StreamVideo stream={stream} slot={slot} />
}

/** After this long without a new frame the slate stands in for the picture. */
const STALLED_MS = 2_000
/** The same for slides, which may send nothing while nobody turns the page. */
const SLIDES_STALLED_MS = 12_000
const POLL_MS = 500

interface PictureProps extends SlotProps {
  readonly slate: ComponentChildren
  /** It rests because this page's line is too slow. */
  readonly paused?: boolean
  readonly slides?: boolean
}

/**
 * A slot's picture, and what to show in its place while none arrives. One that rests keeps its last
 * frame, and says why.
 */
export function SlotPicture(props: PictureProps) {
  const { slot, streams, slate, paused = false, slides = false } = props
  const box = useRef<HTMLDivElement>(null)
  const moving = useSignal(false)
  const seen = useSignal(false)
  useEffect(() => {
    let frames = 0
    let movedAt = Number.NEGATIVE_INFINITY
    const timer = setInterval(() => {
      const video = box.current?.querySelector('video')
      const now = video?.getVideoPlaybackQuality?.().totalVideoFrames ?? 0
      if (now !== frames) movedAt = performance.now()
      frames = now
      seen.value = now > 0
      if (document.hidden) return
      moving.value = performance.now() - movedAt < (slides ? SLIDES_STALLED_MS : STALLED_MS)
    }, POLL_MS)
    return () => clearInterval(timer)
  }, [moving, seen, slides])
  return (
    <div class="slot-picture" ref={box} data-moving={moving.value} data-paused={paused}>
      <SlotVideo slot={slot} streams={streams} />
      {moving.value || (paused && seen.value) ? null : slate}
      {paused ? (
        <p class="paused-note">
          <Icon name="circlePause" />
          {t.value.media.paused}
        </p>
      ) : null}
    </div>
  )
}

interface StreamProps {
  readonly stream: MediaStream | null
  readonly slot?: SlotName
  readonly testid?: string
}

export function StreamVideo({ stream, slot, testid }: StreamProps) {
  const ref = useRef<HTMLVideoElement>(null)
  useEffect(() => {
    const video = ref.current
    if (video === null || video.srcObject === stream) return
    video.srcObject = stream
    video.play().catch(() => {
      // a muted picture that may not play yet starts with the next one
    })
  }, [stream])
  return (
    <video
      ref={ref}
      data-slot={slot}
      data-testid={testid}
      muted
      autoPlay
      playsInline
      disablePictureInPicture
      tabIndex={-1}
      aria-hidden="true"
    />
  )
}

/** The sound of one floor slot. */
export function SlotAudio({ slot, streams, sound }: SlotProps & { sound: Sound }) {
  const ref = useRef<HTMLAudioElement>(null)
  const stream = streams.get(slot) ?? null
  useEffect(() => {
    const audio = ref.current
    if (audio === null) return
    audio.srcObject = stream
    if (stream === null) return
    return sound.attach(audio)
  }, [stream, sound])
  return <audio ref={ref} data-slot={slot} />
}
