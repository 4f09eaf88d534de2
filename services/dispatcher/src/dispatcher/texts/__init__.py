"""From a message's view to what its reader sees, one renderer a channel.

Every word is in `wording`, `courses` and `templates/`; a second language is a second set of these three,
chosen by `guardian.language` where `Renderer` picks its templates.
"""
