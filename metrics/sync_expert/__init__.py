"""The compact two-stream sync expert: does this mouth belong to this sound, and with which offset."""
