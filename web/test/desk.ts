/** An operator's desk in front of a fake server. */

import { Desk } from '../src/operator/desk'
import type { PageCommand, Row } from '../src/shared/wire/types.gen'
import { FakeDoors, FakePeers } from './peer'
import { conferenceRow, rowsOf, seatRow, snapshot } from './rows'
import { FakeServer } from './socket'

export const SEATS = [
  seatRow('00', { name: 'Bộ KH&CN' }),
  seatRow('01', { name: 'Hà Nội' }),
  seatRow('48', { name: 'Đà Nẵng' }),
  seatRow('79', { name: 'Thành phố Hồ Chí Minh', present: false, muted_by_site: true }),
]

export class FakeDesk {
  readonly server = new FakeServer()
  readonly peers = new FakePeers()
  readonly doors = new FakeDoors()
  readonly desk: Desk

  constructor(rows: Record<string, Row> = rowsOf(conferenceRow(), SEATS)) {
    this.desk = new Desk({
      url: 'ws://x/socket',
      open: this.server.open,
      receive: {
        createPeer: this.peers.create,
        fetch: this.doors.fetch,
        videoCodecs: () => [],
      },
    })
    this.desk.open()
    this.server.last.accept()
    this.server.last.receive(snapshot(rows))
  }

  /** The commands that the desk has sent so far. */
  get commands(): PageCommand[] {
    return this.server.last.sentOf('command').map(({ command }) => command)
  }

  put(rows: Record<string, Row>): void {
    const seq = (this.desk.socket.view.value?.seq ?? 0) + 1
    this.server.last.receive({ type: 'patch', seq, put: rows, drop: [] })
  }

  /** The server has done all that was asked so far. */
  async answer(): Promise<void> {
    for (const { id } of this.server.last.sentOf('command')) {
      this.server.last.receive({ type: 'result', id, problem: null })
    }
    await Promise.resolve().then(() => {})
  }
}
