"""The parts of promotion that touch the world: the journal, stored releases, facts for gates, Git and Argo CD."""
