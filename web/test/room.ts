/** A site's attendance in front of a fake server, with fake devices. */

import { Memory } from '../src/shared/client/memory'
import { Rest } from '../src/shared/client/rest'
import type { PageCommand, Row, Seated, SeatRow, Snapshot } from '../src/shared/wire/types.gen'
import { Attendance } from '../src/site/attendance'
import { FakeDevices, FakeScreens, permissionsThatAre } from './devices'
import { FakeDoors, FakePeers, settle } from './peer'
import { conferenceRow, floorRow, seatRow, snapshot, stageRow } from './rows'
import { FakeServer } from './socket'

interface RoomOptions {
  readonly token?: string | null
  readonly joinedBefore?: boolean
  readonly permission?: PermissionState
  readonly exchange?: () => Response
  readonly arrived?: Seated
}

export const SEATED = {
  conference: 'c1',
  title: 'Hội nghị thử',
  site: '48',
  name: 'Đà Nẵng',
  banner: 'Sở Khoa học và Công nghệ thành phố Đà Nẵng',
}

export class FakeRoom {
  readonly server = new FakeServer()
  readonly peers = new FakePeers()
  readonly doors = new FakeDoors()
  readonly devices = new FakeDevices()
  readonly screens = new FakeScreens()
  readonly exchanges: string[] = []
  readonly memory: Memory
  readonly attendance: Attendance

  constructor(options: RoomOptions = {}) {
    const items = new Map<string, string>()
    this.memory = new Memory('c1', '48', {
      getItem: (key) => items.get(key) ?? null,
      setItem: (key, value) => void items.set(key, value),
    })
    if (options.joinedBefore) {
      this.memory.write({ joined: true, choice: { camera: 'video-1', microphone: 'audio-1' } })
    }
    const exchange = options.exchange ?? (() => Response.json(SEATED))
    this.attendance = new Attendance({
      address: {
        conference: 'c1',
        site: '48',
        token: options.token === undefined ? 'jwt' : options.token,
      },
      socketBase: 'ws://x',
      rest: new Rest((url) => {
        this.exchanges.push(url)
        return Promise.resolve(exchange())
      }),
      memory: this.memory,
      arrived: options.arrived ?? null,
      devices: this.devices,
      screens: this.screens,
      permissions: permissionsThatAre(options.permission ?? 'granted'),
      open: this.server.open,
      random: () => 1,
      media: { createPeer: this.peers.create, fetch: this.doors.fetch, videoCodecs: () => [] },
    })
  }

  /** Tap, accept the devices, join, and be let in with this seat. */
  async join(seat: Partial<SeatRow> = {}, conference = conferenceRow()): Promise<void> {
    await this.attendance.open()
    await this.attendance.enter()
    await settle()
    this.attendance.join()
    this.letIn(seat, conference)
    await settle()
  }

  letIn(seat: Partial<SeatRow> = {}, conference = conferenceRow()): void {
    this.server.last.accept()
    this.server.last.receive(siteSnapshot(seat, conference))
  }

  /** The seat is another device's; this one waits beside it. */
  letInStandby(): void {
    this.server.last.accept()
    const doors = { whip: null, whep: null, token: '', ice_servers: [], codec: 'VP8' as const }
    this.server.last.receive({ ...siteSnapshot({}), standby: true, doors })
  }

  put(rows: Record<string, Row>): void {
    const seq = (this.attendance.socket.view.value?.seq ?? 0) + 1
    this.server.last.receive({ type: 'patch', seq, put: rows, drop: [] })
  }

  get commands(): PageCommand[] {
    return this.server.last.sentOf('command').map(({ command }) => command)
  }

  get screen(): string {
    return this.attendance.screen.value.kind
  }

  /** Whether sound can leave the room now. */
  get heard(): boolean {
    const { microphone } = this.attendance.gear.opened.value
    return microphone?.enabled ?? false
  }
}

function siteSnapshot(seat: Partial<SeatRow>, conference = conferenceRow()): Snapshot {
  const rows = {
    conference,
    stage: conference.phase === 'live' ? stageRow('00') : stageRow(),
    floor: floorRow('00'),
    'seat/48': seatRow('48', { name: 'Đà Nẵng', ...seat }),
  }
  return snapshot(rows, { role: 'site', site: '48', name: 'Đà Nẵng', port: '48/main' })
}
