"""semalign: low-resource language learning by semantic reward, and what it costs."""

from semalign.runtime.signals import exit_while_importing

exit_while_importing()  # whatever a job's script imports first comes from here
