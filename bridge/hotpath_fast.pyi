from bridge.hotpath_choice import HotPathMaker

# a class; what it makes is a `hotpath.HotPath`, which need not be said twice
FastPath: HotPathMaker
