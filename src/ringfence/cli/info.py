"""``ringfence info``: every path, version and process in use."""

from ringfence.base.clock import SystemClock
from ringfence.base.paths import Paths
from ringfence.cli.arguments import Output
from ringfence.cli.output import Format, Table, print_data, print_table


def command(output: Output = Format.TABLE) -> None:
    """Show every path, version, port and process that Ringfence uses."""
    from ringfence.flows.info import info

    found = info(Paths.from_environment(), SystemClock())
    if print_data(found.to_json(), output):
        return
    rows = [
        ("ringfence", found.version),
        ("python", found.python),
        ("state", str(found.paths.state)),
        ("data", str(found.paths.data)),
        ("cache", str(found.paths.cache)),
        ("engine", found.engine),
        *((f"  {name}", version) for name, version in found.components.items()),
        *((tool.name, f"{tool.path} ({tool.version})" if tool.path else "not there") for tool in found.tools),
    ]
    for state in found.landscapes:
        rows.append((f"landscape {state.landscape}", str(state.directory)))
        for cluster in state.clusters:
            ready = "ready" if cluster.ready else "not ready"
            rows.append((f"  {cluster.name}", f"{cluster.server} {cluster.version} {ready} {cluster.kubeconfig}"))
        for process in state.processes:
            running = f"process {process.pid}" if process.running else "not running"
            rows.append((f"  {process.name}", f"{running}, log {process.log}"))
    for landscape, contexts in found.contexts.items():
        for name, one in sorted(contexts.clusters.items()):
            rows.append((f"landscape {landscape}: {name}", f"context {one.context} of {one.kubeconfig}"))
    print_table(Table(("what", "where"), tuple(rows)))
