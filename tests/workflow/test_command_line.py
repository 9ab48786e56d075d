"""Values that are given on the command line."""

from pathlib import Path

from tests.workflow.run import snakemake


def test_values_on_the_command_line_are_read_as_in_a_file(tmp_path: Path) -> None:
    """Snakemake leaves what stands within them as text."""
    files = snakemake(
        tmp_path, "-n", "--quiet", "--config", "rl={temperature: 1.2, steps_per_generation: null}", "seeds=[0, 1]"
    )
    assert files.returncode == 0, files.stdout + files.stderr
    wrong = snakemake(tmp_path, "-n", "--config", "rl={temperature: 1.2, beta: x}", "seeds={0")
    said = wrong.stdout + wrong.stderr
    assert "config key rl.beta: Input should be a valid number, found 'x'" in said
    assert "config key seeds: Input should be a valid list, found '{0'" in said
    assert "rl.temperature" not in said
