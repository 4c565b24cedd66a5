/** The few touches that session descriptions need. */

/**
 * Tell our own Opus encoder, by the far side's answer, to rest in silence (RFC 7587 §6.1).
 *
 * A muted or silent microphone then sends 5 packets a second instead of 50.
 */
export function withDtx(answer: string): string {
  const opus = /^a=rtpmap:(\d+) opus\/48000/im.exec(answer)?.[1]
  if (opus === undefined) return answer
  const fmtp = new RegExp(`^a=fmtp:${opus} .*$`, 'm')
  if (!fmtp.test(answer)) {
    return answer.replace(/^(a=rtpmap:\d+ opus\/48000.*)$/im, `$1\r\na=fmtp:${opus} usedtx=1`)
  }
  return answer.replace(fmtp, (line) => (line.includes('usedtx=') ? line : `${line};usedtx=1`))
}

/** The program's codec first and alone: VP8 with its retransmissions. */
export function preferVp8(transceiver: RTCRtpTransceiver, capabilities: RTCRtpCodec[]): void {
  const wanted = capabilities.filter(({ mimeType }) => /^video\/(vp8|rtx)$/i.test(mimeType))
  const hasVp8 = wanted.some(({ mimeType }) => /vp8$/i.test(mimeType))
  // Firefox before 128 cannot choose; the bridge's answer does it for it
  if (hasVp8 && 'setCodecPreferences' in transceiver) transceiver.setCodecPreferences(wanted)
}
