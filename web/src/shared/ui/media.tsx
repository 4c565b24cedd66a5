/** Slots as elements of the page. */

import { useEffect, useRef } from 'preact/hooks'
import type { Streams } from '../media/receive'
import type { Sound } from '../media/sound'
import type { SlotName } from '../wire/types.gen'

interface SlotProps {
  readonly slot: SlotName
  readonly streams: Streams
}

/** The picture of one slot. Always silent: sound has its own elements. */
export function SlotVideo({ slot, streams }: SlotProps) {
  const stream = streams.get(slot) ?? null
  return <StreamVideo stream={stream} slot={slot} />
}

interface StreamProps {
  readonly stream: MediaStream | null
  readonly slot?: SlotName
  readonly testid?: string
  readonly mirrored?: boolean
}

export function StreamVideo({ stream, slot, testid, mirrored = false }: StreamProps) {
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
      class={mirrored ? 'mirrored' : ''}
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
    if (audio === null || stream === null) return
    audio.srcObject = stream
    return sound.attach(audio)
  }, [stream, sound])
  return <audio ref={ref} data-slot={slot} />
}
