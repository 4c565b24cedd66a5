import '../shared/ui/base.css'
import './technician.css'
import { start } from './start'

const root = document.getElementById('app')
if (root !== null) void start(root)
