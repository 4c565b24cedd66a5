import arrowDown from 'lucide-static/icons/arrow-down.svg?raw'
import arrowUp from 'lucide-static/icons/arrow-up.svg?raw'
import ban from 'lucide-static/icons/ban.svg?raw'
import check from 'lucide-static/icons/check.svg?raw'
import circleAlert from 'lucide-static/icons/circle-alert.svg?raw'
import circleCheck from 'lucide-static/icons/circle-check.svg?raw'
import circleDashed from 'lucide-static/icons/circle-dashed.svg?raw'
import circlePause from 'lucide-static/icons/circle-pause.svg?raw'
import copy from 'lucide-static/icons/copy.svg?raw'
import disc from 'lucide-static/icons/disc.svg?raw'
import download from 'lucide-static/icons/download.svg?raw'
import ear from 'lucide-static/icons/ear.svg?raw'
import eye from 'lucide-static/icons/eye.svg?raw'
import hand from 'lucide-static/icons/hand.svg?raw'
import headphones from 'lucide-static/icons/headphones.svg?raw'
import keyboard from 'lucide-static/icons/keyboard.svg?raw'
import lifeBuoy from 'lucide-static/icons/life-buoy.svg?raw'
import link from 'lucide-static/icons/link.svg?raw'
import loader from 'lucide-static/icons/loader.svg?raw'
import logOut from 'lucide-static/icons/log-out.svg?raw'
import messageSquare from 'lucide-static/icons/message-square.svg?raw'
import mic from 'lucide-static/icons/mic.svg?raw'
import micOff from 'lucide-static/icons/mic-off.svg?raw'
import monitorSmartphone from 'lucide-static/icons/monitor-smartphone.svg?raw'
import octagonAlert from 'lucide-static/icons/octagon-alert.svg?raw'
import phone from 'lucide-static/icons/phone.svg?raw'
import play from 'lucide-static/icons/play.svg?raw'
import plus from 'lucide-static/icons/plus.svg?raw'
import presentation from 'lucide-static/icons/presentation.svg?raw'
import printer from 'lucide-static/icons/printer.svg?raw'
import qrCode from 'lucide-static/icons/qr-code.svg?raw'
import radio from 'lucide-static/icons/radio.svg?raw'
import refresh from 'lucide-static/icons/refresh-cw.svg?raw'
import router from 'lucide-static/icons/router.svg?raw'
import search from 'lucide-static/icons/search.svg?raw'
import settings from 'lucide-static/icons/settings.svg?raw'
import square from 'lucide-static/icons/square.svg?raw'
import triangleAlert from 'lucide-static/icons/triangle-alert.svg?raw'
import undo from 'lucide-static/icons/undo-2.svg?raw'
import unplug from 'lucide-static/icons/unplug.svg?raw'
import videoOff from 'lucide-static/icons/video-off.svg?raw'
import volume from 'lucide-static/icons/volume-2.svg?raw'
import volumeOff from 'lucide-static/icons/volume-x.svg?raw'
import wifiOff from 'lucide-static/icons/wifi-off.svg?raw'
import x from 'lucide-static/icons/x.svg?raw'

const ICONS = {
  arrowDown,
  arrowUp,
  ban,
  check,
  circleAlert,
  circleCheck,
  circleDashed,
  circlePause,
  copy,
  disc,
  download,
  ear,
  eye,
  hand,
  headphones,
  keyboard,
  lifeBuoy,
  link,
  loader,
  logOut,
  messageSquare,
  mic,
  micOff,
  monitorSmartphone,
  octagonAlert,
  phone,
  play,
  plus,
  presentation,
  printer,
  qrCode,
  radio,
  refresh,
  router,
  search,
  settings,
  square,
  triangleAlert,
  undo,
  unplug,
  videoOff,
  volume,
  volumeOff,
  wifiOff,
  x,
}

export type IconName = keyof typeof ICONS

/**
 * A picture beside words; it says nothing that the words or a label do not say. Its markup is
 * bundled at build time, never input.
 */
export function Icon({ name }: { name: IconName }) {
  return <span class="icon" aria-hidden="true" dangerouslySetInnerHTML={{ __html: ICONS[name] }} />
}
