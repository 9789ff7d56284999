import os
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(here))
sys.path.insert(0, here)
bind = "127.0.0.1:" + os.environ["PORT"]
worker_class, workers, threads = "gthread", 1, 5
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None
graceful_timeout = 1
