"""The layers that hold a shadow's transaction. Tests take them away one by one,
to show what each is good for; nothing else does."""

from types import SimpleNamespace

layers = SimpleNamespace(interception=True, fuse=True, belt=True, watch=True)
