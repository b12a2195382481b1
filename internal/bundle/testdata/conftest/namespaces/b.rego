package team.ab

warn contains "team" if input.kind == "Deployment"
