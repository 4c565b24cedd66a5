import { expect, test } from 'vitest'
import { preferCodec, withDtx } from './sdp'

const answer = 'm=audio 9 X 111\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10\r\n'

test('let our microphone rest in silence', () => {
  expect(withDtx(answer)).toContain('a=fmtp:111 minptime=10;usedtx=1\r\n')
  expect(withDtx(withDtx(answer))).toBe(withDtx(answer))
  const bare = 'm=audio 9 X 96\r\na=rtpmap:96 opus/48000/2\r\nm=video 9 X 97\r\n'
  expect(withDtx(bare)).toContain('a=rtpmap:96 opus/48000/2\r\na=fmtp:96 usedtx=1\r\nm=video')
})

test('without Opus stay as they are', () => {
  expect(withDtx('m=video 9 X 96\r\n')).toBe('m=video 9 X 96\r\n')
})

test('a browser that cannot choose codecs is left alone', () => {
  const old = {} as RTCRtpTransceiver
  expect(() =>
    preferCodec(old, [{ mimeType: 'video/VP8', clockRate: 90_000 }], 'VP8'),
  ).not.toThrow()
})

const format = (mode: number, profile: string): string =>
  `level-asymmetry-allowed=1;packetization-mode=${mode};profile-level-id=${profile}`
const capabilities: RTCRtpCodec[] = [
  { mimeType: 'video/VP8', clockRate: 90_000 },
  { mimeType: 'video/rtx', clockRate: 90_000 },
  { mimeType: 'video/H264', clockRate: 90_000, sdpFmtpLine: format(1, '42001f') },
  { mimeType: 'video/H264', clockRate: 90_000, sdpFmtpLine: format(0, '42e01f') },
  { mimeType: 'video/H264', clockRate: 90_000, sdpFmtpLine: format(1, '42e01f') },
]

function preferred(offered: RTCRtpCodec[], codec: 'VP8' | 'H264'): (string | undefined)[] | null {
  let chosen: (string | undefined)[] | null = null
  const transceiver = {
    setCodecPreferences: (codecs: RTCRtpCodec[]) => {
      chosen = codecs.map((one) => one.sdpFmtpLine ?? one.mimeType)
    },
  }
  preferCodec(transceiver as unknown as RTCRtpTransceiver, offered, codec)
  return chosen
}

test('the codec of the conference is offered alone', () => {
  expect(preferred(capabilities, 'VP8')).toEqual(['video/VP8', 'video/rtx'])
  expect(preferred(capabilities, 'H264')).toEqual([format(1, '42e01f'), 'video/rtx'])
  expect(preferred(capabilities.slice(0, 3), 'H264')).toEqual([format(1, '42001f'), 'video/rtx'])
})

test('a browser without the codec offers what it has, for the service to say so', () => {
  expect(preferred(capabilities.slice(0, 2), 'H264')).toBeNull()
})
