import '../shared/ui/base.css'
import './site.css'
import { render } from 'preact'
import { Arrival } from '../shared/client/arrival'
import { inAppOf, thisBrowser } from '../shared/client/in-app'
import { Memory } from '../shared/client/memory'
import { Rest, socketUrl } from '../shared/client/rest'
import { startClock } from '../shared/ui/clock'
import { readAddress } from './address'
import { Attendance } from './attendance'
import { SitePage } from './page'

const root = document.getElementById('app')
const address = readAddress(location)
if (root !== null && address !== null) {
  const attendance = new Attendance({
    address,
    socketBase: socketUrl(location, ''),
    rest: new Rest(),
    memory: new Memory(address.conference, address.site),
    arrived: new Arrival(address.conference, address.site).read(),
    devices: navigator.mediaDevices,
    screens: navigator.mediaDevices,
    permissions: navigator.permissions,
  })
  render(
    <SitePage attendance={attendance} now={startClock().now} inApp={inAppOf(thisBrowser())} />,
    root,
  )
  void attendance.open()
  // another link of the same site, opened in the same tab
  window.addEventListener('hashchange', () => location.reload())
  window.addEventListener('online', () => attendance.socket.hurry())
  navigator.mediaDevices?.addEventListener('devicechange', () => void attendance.gear.refresh())
}
